/** The two SQLites: Node's own, and where Node has none, the same as WebAssembly. */

import { rmSync } from "node:fs";

/** What files need of either. */
export interface SqliteDriver {
  /** Any number of statements. */
  exec(sql: string): void;
  /** The rows of one statement, which is prepared once. */
  all(sql: string, values: readonly SqlInput[]): readonly unknown[];
  close(): void;
}

/** What a statement is given. */
export type SqlInput = string | number | null | Uint8Array;

/** Opens one file, makes it where it is missing. */
export type OpenDriver = (path: string) => SqliteDriver;

/** Node's own SQLite, which is there without a flag since 22.13; `null` on an older Node. */
export async function loadNodeSqlite(): Promise<OpenDriver | null> {
  const sqlite = await import("node:sqlite").catch(() => null);
  if (sqlite === null) return null;
  return (path) => {
    const database = new sqlite.DatabaseSync(path);
    const prepare = remember((sql) => database.prepare(sql));
    return {
      exec: (sql) => database.exec(sql),
      all: (sql, values) => prepare(sql).all(...values),
      close: () => database.close(),
    };
  };
}

/**
 * SQLite as WebAssembly over Node's files. Its lock is a folder beside the file, which outlives a process that was killed: whoever
 * opens a file here holds the lock of the folder that it lies in (`folder-lock.ts`), and takes such a one away.
 */
export async function loadWasmSqlite(): Promise<OpenDriver> {
  const { default: sqlite } = await import("node-sqlite3-wasm");
  const opened = new Set<string>();
  return (path) => {
    if (!opened.has(path)) rmSync(`${path}.lock`, { recursive: true, force: true });
    const database = new sqlite.Database(path);
    const statements: { finalize(): void }[] = [];
    const prepare = remember((sql) => {
      const statement = database.prepare(sql);
      statements.push(statement);
      return statement;
    });
    opened.add(path);
    return {
      exec: (sql) => database.exec(sql),
      all: (sql, values) => prepare(sql).all([...values]),
      close() {
        for (const statement of statements) statement.finalize();
        database.close();
        opened.delete(path);
      },
    };
  };
}

function remember<T>(make: (sql: string) => T): (sql: string) => T {
  const known = new Map<string, T>();
  return (sql) => {
    const value = known.get(sql) ?? make(sql);
    known.set(sql, value);
    return value;
  };
}
