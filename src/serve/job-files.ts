/**
 * What each job keeps, in a database file of its own: `jobs/<id>.sqlite` in the data folder. The first write makes the file, so that
 * asking for a job that does not exist leaves nothing behind. Alarms are rows of another database, which all jobs share.
 */

import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ScoringError } from "../errors.ts";
import type { JobStorage, SqlDatabase } from "../jobs/sql-port.ts";
import { type OpenSqlite, type SqliteFile, wrapRows } from "./sqlite-file.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS alarms (jobId TEXT PRIMARY KEY, atMs INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS alarms_time ON alarms (atMs);
`;

/** Most files that are held open; a job that is asked again later reopens its file. */
const MAX_OPEN = 64;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** An alarm whose time had come. */
export interface DueAlarm {
  readonly jobId: string;
  /** When it goes off again unless it is settled or set again. */
  readonly againMs: number;
}

/** The storages of all jobs of one data folder. */
export interface JobFiles {
  /** @throws ScoringError `not_found` for what cannot be the id of a job */
  open(jobId: string): JobStorage;
  /** Takes an alarm that is due; it goes off again after `retryMs`, so that none is lost with this process. */
  takeAlarm(nowMs: number, retryMs: number): DueAlarm | null;
  /** Forgets the alarm, unless it was set again in the meantime. */
  settleAlarm(alarm: DueAlarm): void;
  /** When the next alarm goes off; `null` if there is none. */
  nextAlarm(): number | null;
  close(): void;
}

/** @param common the database of the alarms; @param alarmSet told of each new alarm */
export function createJobFiles(
  folder: string,
  openSqlite: OpenSqlite,
  common: SqlDatabase,
  alarmSet: (atMs: number) => void,
): JobFiles {
  mkdirSync(folder, { recursive: true });
  common.exec(SCHEMA);
  /** By path, the one used last at the end. */
  const files = new Map<string, SqliteFile>();

  function use(path: string): SqliteFile {
    const file = files.get(path) ?? openSqlite(path, "system");
    files.delete(path);
    files.set(path, file);
    for (const [oldest, unused] of files) {
      if (files.size <= MAX_OPEN) break;
      files.delete(oldest);
      unused.close();
    }
    return file;
  }

  function createStorage(jobId: string): JobStorage {
    const path = join(folder, `${jobId}.sqlite`);
    const isThere = (): boolean => files.has(path) || existsSync(path);
    return {
      sql: {
        exec: (query, ...values) =>
          query.startsWith("SELECT") && !isThere() ? wrapRows([]) : use(path).sql.exec(query, ...values),
      },
      transactionSync: (body) => {
        if (isThere()) return use(path).transactionSync(body);
        const file = use(path);
        // That a job was accepted must survive anything; what it has done since can be done again.
        file.setDurability("disk");
        try {
          return file.transactionSync(body);
        } finally {
          file.setDurability("system");
          // Even a transaction that wrote nothing has made a file.
          if (isEmpty(file)) discard(path);
        }
      },
      deleteAll: async () => discard(path),
      getAlarm: async () =>
        common.exec<{ atMs: number }>("SELECT atMs FROM alarms WHERE jobId = ?", jobId).toArray()[0]?.atMs ?? null,
      async setAlarm(atMs) {
        common.exec("INSERT OR REPLACE INTO alarms VALUES (?, ?)", jobId, atMs);
        alarmSet(atMs);
      },
      deleteAlarm: async () => void common.exec("DELETE FROM alarms WHERE jobId = ?", jobId),
    };
  }

  function discard(path: string): void {
    // Closing empties the log into the file, so that the file alone is left.
    files.get(path)?.close();
    files.delete(path);
    for (const end of ["", "-wal", "-shm"]) rmSync(`${path}${end}`, { force: true });
  }

  return {
    open(jobId) {
      // An id comes with a request: nothing else may become a path.
      if (!UUID.test(jobId)) throw new ScoringError("not_found", `there is no job ${jobId.slice(0, 64)}`);
      return createStorage(jobId);
    },
    takeAlarm(nowMs, retryMs) {
      const againMs = nowMs + retryMs;
      const row = common
        .exec<{ jobId: string }>(
          `UPDATE alarms SET atMs = ?
           WHERE jobId = (SELECT jobId FROM alarms WHERE atMs <= ? ORDER BY atMs LIMIT 1) RETURNING jobId`,
          againMs,
          nowMs,
        )
        .toArray()[0];
      return row === undefined ? null : { jobId: row.jobId, againMs };
    },
    settleAlarm: ({ jobId, againMs }) =>
      void common.exec("DELETE FROM alarms WHERE jobId = ? AND atMs = ?", jobId, againMs),
    nextAlarm: () => common.exec<{ atMs: number | null }>("SELECT min(atMs) AS atMs FROM alarms").one().atMs,
    close() {
      for (const file of files.values()) file.close();
      files.clear();
    },
  };
}

function isEmpty({ sql }: SqliteFile): boolean {
  return sql.exec<{ n: number }>("SELECT count(*) AS n FROM sqlite_master").one().n === 0;
}
