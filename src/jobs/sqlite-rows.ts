/** The rows of one job in a SQLite of its own: its Durable Object's, or a file. docs/storage-schema.md lists tables, writers and readers. */

import type { JobEventRow, JobRows } from "../scoring/job/job-rows.ts";
import type { Notice } from "../scoring/job/notice.ts";
import type { JobSpec } from "../scoring/job/job-spec.ts";
import type { RangePhase, RangeRow } from "../scoring/job/range-row.ts";
import type { JobState } from "../scoring/job/job-state.ts";
import type { ChunkResult, ChunkRow } from "../scoring/job/chunk-row.ts";
import { parseStored } from "../scoring/stored-json.ts";
import { ARRIVAL_SCHEMA, createArrivalRows } from "./arrival-rows.ts";
import type { JobStorage, SqlDatabase } from "./sql-port.ts";

const CHUNK_COLUMNS = `(
    id TEXT PRIMARY KEY, first INTEGER NOT NULL, count INTEGER NOT NULL,
    pageKey TEXT NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL,
    status TEXT NOT NULL, attempt INTEGER NOT NULL, expiries INTEGER NOT NULL, dueMs INTEGER NOT NULL, result TEXT, failures INTEGER NOT NULL DEFAULT 0,
    base INTEGER NOT NULL DEFAULT 0)`;

const RANGE_COLUMNS = `(number INTEGER PRIMARY KEY, status TEXT NOT NULL, dueMs INTEGER NOT NULL, range TEXT NOT NULL)`;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS chunks ${CHUNK_COLUMNS};
  CREATE TABLE IF NOT EXISTS stagedChunks ${CHUNK_COLUMNS};
  CREATE INDEX IF NOT EXISTS chunks_waiting ON chunks (first) WHERE status = 'pending';
  CREATE INDEX IF NOT EXISTS chunks_due ON chunks (dueMs) WHERE status IN ('queued', 'leased');
  CREATE INDEX IF NOT EXISTS chunks_order ON chunks (first) WHERE status <> 'split';
  CREATE TABLE IF NOT EXISTS clients (chunkId TEXT PRIMARY KEY, keyId TEXT NOT NULL, nonce TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS pages (number INTEGER PRIMARY KEY AUTOINCREMENT, pageKey TEXT NOT NULL);
  ${ARRIVAL_SCHEMA}
  CREATE TABLE IF NOT EXISTS ranges ${RANGE_COLUMNS};
  CREATE INDEX IF NOT EXISTS ranges_due ON ranges (dueMs) WHERE status IN ('sent', 'leased');
  CREATE TABLE IF NOT EXISTS scans ${RANGE_COLUMNS};
  CREATE INDEX IF NOT EXISTS scans_due ON scans (dueMs) WHERE status IN ('sent', 'leased');
  CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL, atMs INTEGER NOT NULL, data TEXT NOT NULL);
`;

/** Columns that never change for an id are not written again, since each index entry is charged as a row. */
const writeChunkInto = (
  table: "chunks" | "stagedChunks",
): string => `INSERT INTO ${table} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
  status = excluded.status, attempt = excluded.attempt, expiries = excluded.expiries, dueMs = excluded.dueMs, result = excluded.result, failures = excluded.failures`;

/** A row as SQLite gives it. */
type RawChunk = Omit<ChunkRow, "result" | "client" | "failures" | "base"> & {
  readonly failures: number;
  readonly base: number;
  readonly result: string | null;
  readonly keyId: string | null;
  readonly nonce: string | null;
} & Record<string, SqlValue>;

function readRow(row: RawChunk): ChunkRow {
  const { id, first, count, pageKey, offset, length, status, attempt, expiries, failures, base, dueMs } = row;
  const result = row.result === null ? null : parseStored<ChunkResult>(row.result);
  const { keyId, nonce } = row;
  const client = keyId === null || nonce === null ? null : { keyId, nonce };
  const place = { id, first, count, pageKey, offset, length, ...(base === 0 ? {} : { base }) };
  return { ...place, status, attempt, expiries, failures, dueMs, result, client };
}

const readRange = ({ range }: { readonly range: string }): RangeRow => parseStored<RangeRow>(range);

const RANGE_TABLES = { scan: "scans", merge: "ranges" } as const satisfies Readonly<Record<RangePhase, string>>;

/** The rows of one job, which can all be forgotten. */
export interface SqliteRows extends JobRows {
  /** Deletes everything, tables too. */
  clear(): Promise<void>;
}

/**
 * The rows of one job in its SQLite. The first write makes the tables: otherwise asking for a job that does not
 * exist would leave an object that is stored, and paid for, forever.
 */
export function createSqliteRows(storage: Pick<JobStorage, "sql" | "transactionSync" | "deleteAll">): SqliteRows {
  const { sql } = storage;
  const findTables = (): boolean =>
    sql.exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'facts'").toArray().length > 0;
  let hasTables = findTables();
  if (hasTables) addColumns(sql);
  const makeTables = (): void => {
    if (!hasTables) sql.exec(SCHEMA);
    hasTables = true;
  };
  const list = <Row extends Record<string, SqlValue>>(query: string, ...values: SqlValue[]): Row[] =>
    hasTables ? sql.exec<Row>(query, ...values).toArray() : [];
  const readFact = (name: string): string | null =>
    list<{ value: string }>("SELECT value FROM facts WHERE name = ?", name)[0]?.value ?? null;
  const writeFact = (name: string, value: string | null): void => {
    makeTables();
    if (value === null) sql.exec("DELETE FROM facts WHERE name = ?", name);
    else
      sql.exec("INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value);
  };
  const putChunk = (table: "chunks" | "stagedChunks", chunk: ChunkRow): void => {
    const { id, first, count, pageKey, offset, length, status, attempt, expiries, failures = 0, base = 0 } = chunk;
    const text = chunk.result === null ? null : JSON.stringify(chunk.result);
    const state = [status, attempt, expiries, chunk.dueMs, text, failures, base];
    const values = [id, first, count, pageKey, offset, length, ...state];
    sql.exec(writeChunkInto(table), ...values);
  };
  const select = (where: string, ...values: SqlValue[]): ChunkRow[] =>
    list<RawChunk>(
      `SELECT chunks.*, keyId, nonce FROM chunks LEFT JOIN clients ON chunkId = id WHERE ${where}`,
      ...values,
    ).map(readRow);
  return {
    transaction: (body) => {
      try {
        return storage.transactionSync(body);
      } catch (error) {
        // The tables that it may have made are gone again.
        hasTables = findTables();
        throw error;
      }
    },
    clear: async () => {
      hasTables = false;
      await storage.deleteAll();
    },
    readState: () => parseStored<JobState | null>(readFact("state") ?? "null"),
    writeState: (state) => writeFact("state", JSON.stringify(state)),
    readSpec: () => parseStored<JobSpec | null>(readFact("spec") ?? "null"),
    writeSpec: (spec) => writeFact("spec", JSON.stringify(spec)),
    readCheckpoint: () => readFact("checkpoint"),
    writeCheckpoint: (text) => writeFact("checkpoint", text),
    readNotice: () => parseStored<Notice | null>(readFact("notice") ?? "null"),
    writeNotice: (notice) => writeFact("notice", notice === null ? null : JSON.stringify(notice)),
    readChunk: (id) => select("id = ?", id)[0] ?? null,
    writeChunk: (chunk) => {
      putChunk("chunks", chunk);
      const client = chunk.client ?? null;
      if (client === null) sql.exec("DELETE FROM clients WHERE chunkId = ?", chunk.id);
      else sql.exec("INSERT OR REPLACE INTO clients VALUES (?, ?, ?)", chunk.id, client.keyId, client.nonce);
    },
    takePending: (limit, dueMs) => {
      const ids = select("status = 'pending' ORDER BY first LIMIT ?", limit).map(({ id }) => id);
      for (const id of ids) sql.exec("UPDATE chunks SET status = 'queued', dueMs = ? WHERE id = ?", dueMs, id);
      return ids;
    },
    findOffer: (status) =>
      select(
        status === "pending"
          ? "status = 'pending' ORDER BY first LIMIT 1"
          : "status = 'queued' AND attempt = 0 ORDER BY first DESC LIMIT 1",
      )[0] ?? null,
    readClientSecret: () => readFact("client-secret"),
    writeClientSecret: (secret) => writeFact("client-secret", secret),
    listDue: (nowMs, limit) =>
      select("status IN ('queued', 'leased') AND dueMs <= ? ORDER BY dueMs LIMIT ?", nowMs, limit),
    listChunks: (fromIndex, limit) =>
      select("status <> 'split' AND first >= ? ORDER BY first LIMIT ?", fromIndex, limit),
    stageChunks: (rows) => {
      for (const chunk of rows) putChunk("stagedChunks", chunk);
    },
    clearStagedChunks: () => {
      sql.exec("DELETE FROM stagedChunks");
    },
    mergeStagedChunks: () => {
      sql.exec("INSERT OR REPLACE INTO chunks SELECT * FROM stagedChunks");
      sql.exec("DELETE FROM stagedChunks");
    },
    adoptStagedChunks: () => {
      sql.exec("DELETE FROM chunks");
      sql.exec("DELETE FROM clients");
      sql.exec("INSERT INTO chunks SELECT * FROM stagedChunks");
      sql.exec("DELETE FROM stagedChunks");
    },
    readRange: (phase, number) =>
      list<{ range: string }>(`SELECT range FROM ${RANGE_TABLES[phase]} WHERE number = ?`, number).map(readRange)[0] ??
      null,
    writeRange: (phase, range) => {
      const { number, task } = range;
      sql.exec(
        `INSERT OR REPLACE INTO ${RANGE_TABLES[phase]} VALUES (?, ?, ?, ?)`,
        number,
        task.status,
        task.dueMs,
        JSON.stringify(range),
      );
    },
    listDueRanges: (phase, nowMs, limit) =>
      list<{ range: string }>(
        `SELECT range FROM ${RANGE_TABLES[phase]} WHERE status IN ('sent', 'leased') AND dueMs <= ? ORDER BY dueMs LIMIT ?`,
        nowMs,
        limit,
      ).map(readRange),
    ...createArrivalRows(sql),
    listPages: (skip, limit) =>
      list<{ pageKey: string }>("SELECT pageKey FROM pages WHERE number > ? ORDER BY number LIMIT ?", skip, limit).map(
        ({ pageKey }) => pageKey,
      ),
    addPages: (keys) => {
      for (const key of keys) sql.exec("INSERT INTO pages (pageKey) VALUES (?)", key);
    },
    appendEvent: (type, atMs, data, keep) => {
      sql.exec("INSERT INTO events (type, atMs, data) VALUES (?, ?, ?)", type, atMs, data);
      const { id } = sql.exec<{ id: number }>("SELECT max(id) AS id FROM events").one();
      sql.exec("DELETE FROM events WHERE id <= ?", id - keep);
      return id;
    },
    listEvents: (afterId, limit) =>
      list<{ id: number; type: string; atMs: number; data: string }>(
        "SELECT id, type, atMs, data FROM events WHERE id > ? ORDER BY id LIMIT ?",
        afterId,
        limit,
      ).map((row) => ({ ...row, type: row.type === "status" ? "status" : "progress" }) satisfies JobEventRow),
  };
}

/** Tables from before failures were counted, and from before ranges were listed side by side. */
function addColumns(sql: SqlDatabase): void {
  for (const column of ["failures", "base"]) {
    const tables = sql
      .exec<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE name IN ('chunks', 'stagedChunks') AND sql NOT LIKE ?",
        `% ${column} INTEGER%`,
      )
      .toArray();
    for (const { name } of tables) sql.exec(`ALTER TABLE ${name} ADD COLUMN ${column} INTEGER NOT NULL DEFAULT 0`);
  }
}
