/**
 * The port to the SQLite that coordinators and the directory keep their rows in: a Durable Object's own, or a file of `node:sqlite`
 * (`src/serve/`). A Durable Object's storage fits it as it is.
 */

/** The rows of one statement. */
export interface SqlRows<Row> {
  toArray(): Row[];
  /** @throws Error unless there is exactly one */
  one(): Row;
}

/** One database. Statements run synchronously, in the order of the calls. */
export interface SqlDatabase {
  /** Runs one statement with values in the place of `?` or `?1`; without values, any number of statements. */
  exec<Row extends Record<string, SqlValue>>(query: string, ...values: SqlValue[]): SqlRows<Row>;
}

/** What one job keeps: its database, and the time of its next alarm. */
export interface JobStorage {
  readonly sql: SqlDatabase;
  /** Makes all writes of `body` or none. */
  transactionSync<T>(body: () => T): T;
  /** Forgets everything. */
  deleteAll(): Promise<void>;
  getAlarm(): Promise<number | null>;
  setAlarm(atMs: number): Promise<void>;
  deleteAlarm(): Promise<void>;
}
