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

/** One database. Statements run at once, in the order of the calls. */
export interface SqlDatabase {
  /** Runs one statement with `?` or `?1` in the place of values; without values, any number of them. */
  exec<Row extends Record<string, SqlValue>>(query: string, ...values: SqlValue[]): SqlRows<Row>;
}

/** What one job keeps: its database, and one time at which it wants to be called. */
export interface JobStorage {
  readonly sql: SqlDatabase;
  /** All writes of `body` or none. */
  transactionSync<T>(body: () => T): T;
  /** Forgets everything. */
  deleteAll(): Promise<void>;
  getAlarm(): Promise<number | null>;
  setAlarm(atMs: number): Promise<void>;
  deleteAlarm(): Promise<void>;
}
