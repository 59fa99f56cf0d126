/** A database file of SQLite behind the port that rows are kept over. */

import { ScoringError } from "../errors.ts";
import type { SqlDatabase, SqlRows } from "../jobs/sql-port.ts";
import { loadNodeSqlite, loadWasmSqlite, type OpenDriver, type SqliteDriver } from "./sqlite-drivers.ts";

/** SQLite's result codes for a file that another process holds. */
const BUSY_CODES: ReadonlySet<unknown> = new Set([5, 6]);

/** One open file. Its lock is this process's alone until it is closed, or the process ends, however it ends. */
export interface SqliteFile {
  readonly sql: SqlDatabase;
  /** Sets what later writes wait for. */
  setDurability(durability: Durability): void;
  /** All writes of `body` or none; within another transaction, as a part of it. */
  transactionSync<T>(body: () => T): T;
  close(): void;
}

/**
 * What a write waits for. Either way it survives a kill at any moment. `disk`: it survives a power cut too. `system`: a power cut may undo
 * the writes of the last seconds, all or the newest; such a file is for what can be found or done again.
 */
export type Durability = "disk" | "system";

/** Opens a file, and makes it if it is missing. @throws ScoringError `config_invalid` if another process has it open */
export type OpenSqlite = (path: string, durability: Durability) => SqliteFile;

/** The SQLite of this Node, or the one that the package brings. Either reads the other's files. */
export async function loadSqlite(): Promise<OpenSqlite> {
  return openWith((await loadNodeSqlite()) ?? (await loadWasmSqlite()));
}

/** Files over one SQLite. */
export function openWith(openDriver: OpenDriver): OpenSqlite {
  return (path, durability) => openFile(() => openDriver(path), path, durability);
}

const SYNCHRONOUS = { disk: "PRAGMA synchronous = FULL", system: "PRAGMA synchronous = NORMAL" } as const;

function openFile(make: () => SqliteDriver, path: string, durability: Durability): SqliteFile {
  const database = make();
  try {
    // Two processes over one folder would deliver every message twice or more, so the first locks the second out.
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL");
    database.exec(SYNCHRONOUS[durability]);
    database.exec("BEGIN EXCLUSIVE; COMMIT");
  } catch (cause) {
    database.close();
    if (isBusy(cause)) throw new ScoringError("config_invalid", `${path} is in use by another process`, { cause });
    throw cause;
  }
  let isOpen = false;
  return {
    sql: createSql(database),
    setDurability: (next) => database.exec(SYNCHRONOUS[next]),
    transactionSync(body) {
      if (isOpen) return body();
      database.exec("BEGIN");
      isOpen = true;
      try {
        const result = body();
        database.exec("COMMIT");
        return result;
      } catch (error) {
        rollBack(database);
        throw error;
      } finally {
        isOpen = false;
      }
    },
    close: () => database.close(),
  };
}

/** One of them tells a code, the other a sentence. */
function isBusy(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  return "errcode" in cause ? BUSY_CODES.has(cause.errcode) : cause.message === "database is locked";
}

function rollBack(database: SqliteDriver): void {
  try {
    database.exec("ROLLBACK");
  } catch {
    // Where the disk is full or fails, SQLite itself has rolled back.
  }
}

function createSql(database: SqliteDriver): SqlDatabase {
  return {
    exec: <Row extends Record<string, SqlValue>>(query: string, ...values: SqlValue[]): SqlRows<Row> => {
      // `prepare` takes only the first statement of a text.
      if (values.length === 0 && /;\s*\S/.test(query)) {
        database.exec(query);
        return wrapRows<Row>([]);
      }
      const bound = values.map((value) => (value instanceof ArrayBuffer ? new Uint8Array(value) : value));
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the query names the row's columns
      return wrapRows(database.all(query, bound) as Row[]);
    },
  };
}

/** Rows that were read. */
export function wrapRows<Row>(rows: Row[]): SqlRows<Row> {
  return {
    toArray: () => rows,
    one() {
      const [row] = rows;
      if (row === undefined || rows.length > 1) throw new Error(`expected one row, found ${rows.length}`);
      return row;
    },
  };
}
