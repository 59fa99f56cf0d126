/** The directory's rows about which jobs the hourly cron has to look at, and whose turn it is. */

import { isEnded, type JobStatus } from "../scoring/job/job-status.ts";
import type { JobView } from "../scoring/job/job-view.ts";
import { parseStored } from "../scoring/stored-json.ts";
import type { SqlDatabase } from "./sql-port.ts";

/** `turns`: a queue, the smallest turn first. `retained`: ended jobs with the day of their deletion. */
const UPKEEP_SCHEMA = `
  CREATE TABLE IF NOT EXISTS turns (turn INTEGER PRIMARY KEY, jobId TEXT NOT NULL UNIQUE);
  CREATE TABLE IF NOT EXISTS retained (jobId TEXT PRIMARY KEY, dueMs INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS retained_due ON retained (dueMs);
`;

/** Jobs read at once while the rows are made for a directory that is older than they are. */
const PAGE = 500;

/** No other call runs between the statements of one call. */
export interface UpkeepRows {
  /** Notes what a job is now: open or being rewritten, to be deleted some day, or neither. */
  note(view: JobView): void;
  forget(jobId: string): void;
  /** Jobs that have not ended, by status. */
  countOpenJobs(): Readonly<Partial<Record<JobStatus, number>>>;
  /** See Directory.takeOpenJob. */
  takeOpenJob(): string | null;
  /** See Directory.takeRetainedJob. */
  takeRetainedJob(nowMs: number): string | null;
}

/** The rows over the directory's database; `jobs` is the directory's own table, which exists already. */
export function createUpkeepRows(sql: SqlDatabase): UpkeepRows {
  const rows: UpkeepRows = {
    note(view) {
      const { id, retainUntil } = view;
      const isOpen = !isEnded(view.status) || view.erasure?.status === "running";
      if (isOpen) sql.exec("INSERT OR IGNORE INTO turns (jobId) VALUES (?)", id);
      else sql.exec("DELETE FROM turns WHERE jobId = ?", id);
      // A job that is being rewritten cannot be deleted: its day comes after that.
      if (isOpen || retainUntil === undefined) sql.exec("DELETE FROM retained WHERE jobId = ?", id);
      else sql.exec("INSERT OR IGNORE INTO retained VALUES (?, ?)", id, Date.parse(retainUntil));
    },
    forget(jobId) {
      sql.exec("DELETE FROM turns WHERE jobId = ?", jobId);
      sql.exec("DELETE FROM retained WHERE jobId = ?", jobId);
    },
    countOpenJobs() {
      const counts = sql
        .exec<{ status: JobStatus; count: number }>(
          `SELECT json_extract(view, '$.status') AS status, count(*) AS count FROM jobs
           WHERE id IN (SELECT jobId FROM turns) GROUP BY 1 ORDER BY 1`,
        )
        .toArray()
        // What is being rewritten has ended.
        .filter(({ status }) => !isEnded(status));
      return Object.fromEntries(counts.map(({ status, count }) => [status, count]));
    },
    takeOpenJob: () =>
      sql
        .exec<{ jobId: string }>(
          `UPDATE turns SET turn = (SELECT max(turn) + 1 FROM turns)
           WHERE turn = (SELECT min(turn) FROM turns) RETURNING jobId`,
        )
        .toArray()[0]?.jobId ?? null,
    takeRetainedJob: (nowMs) =>
      sql
        .exec<{ jobId: string }>(
          `UPDATE retained SET dueMs = ?1 + 1
           WHERE jobId = (SELECT jobId FROM retained WHERE dueMs <= ?1 ORDER BY dueMs LIMIT 1) RETURNING jobId`,
          nowMs,
        )
        .toArray()[0]?.jobId ?? null,
  };
  const isNew = sql.exec("SELECT name FROM sqlite_master WHERE name = 'turns'").toArray().length === 0;
  sql.exec(UPKEEP_SCHEMA);
  if (isNew) for (const view of listViews(sql)) rows.note(view);
  return rows;
}

function* listViews(sql: SqlDatabase): Generator<JobView> {
  for (let after = ""; ;) {
    const page = sql
      .exec<{ id: string; view: string }>("SELECT id, view FROM jobs WHERE id > ? ORDER BY id LIMIT ?", after, PAGE)
      .toArray();
    for (const { view } of page) yield parseStored<JobView>(view);
    if (page.length < PAGE) return;
    after = page.at(-1)?.id ?? after;
  }
}
