/** The rows that all jobs share: the list of jobs, requests, quotas, standings, keys, and with them schedules and upkeep. */

import type { ApiKeyRecord, KeyDirectory } from "../scoring/access/api-key.ts";
import type { Directory, JobPage, Reservation } from "../scoring/job/job-directory.ts";
import { NO_FILTER } from "../scoring/job/job-filter.ts";
import type { JobView } from "../scoring/job/job-view.ts";
import { isEnded } from "../scoring/job/job-status.ts";
import type { DeadLetterDirectory } from "../scoring/job/dead-letter.ts";
import type { DirectoryTotals } from "../scoring/operations/deployment-metrics.ts";
import type { ScheduleDirectory } from "../scoring/schedules/schedule.ts";
import { parseStored } from "../scoring/stored-json.ts";
import { createDeadLetterRows } from "./dead-letter-rows.ts";
import { createScheduleRows } from "./schedule-rows.ts";
import { createSpendingRows } from "./spending-rows.ts";
import type { SqlDatabase } from "./sql-port.ts";
import { createUpkeepRows } from "./upkeep-rows.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, view TEXT NOT NULL, changes INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS requests (idempotencyKey TEXT PRIMARY KEY, bodySha256 TEXT NOT NULL, jobId TEXT NOT NULL, atMs INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS requests_age ON requests (atMs);
  CREATE TABLE IF NOT EXISTS admissions (jobId TEXT PRIMARY KEY, owner TEXT NOT NULL, day TEXT NOT NULL, atMs INTEGER NOT NULL, images INTEGER NOT NULL, open INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS admissions_open ON admissions (owner) WHERE open = 1;
  CREATE INDEX IF NOT EXISTS admissions_day ON admissions (owner, day);
  CREATE TABLE IF NOT EXISTS unconfirmed (jobId TEXT PRIMARY KEY);
  CREATE TABLE IF NOT EXISTS ranks (jobId TEXT PRIMARY KEY, priority INTEGER NOT NULL, saidMs INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS ranks_priority ON ranks (priority);
  CREATE TABLE IF NOT EXISTS ended_sessions (id TEXT PRIMARY KEY, endMs INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS keys (id TEXT PRIMARY KEY, createdMs INTEGER NOT NULL, record TEXT NOT NULL);
`;

/** Ids are UUIDv7: their order is the order of creation. */
const LIST = `
  SELECT id, view FROM jobs WHERE id < ?1
  AND (?2 IS NULL OR id IN (SELECT jobId FROM admissions WHERE owner = ?2))
  AND (?4 = '[]' OR json_extract(view, '$.status') IN (SELECT value FROM json_each(?4)))
  AND (?5 = '[]' OR NOT EXISTS (
    SELECT 1 FROM json_each(?5) AS wanted WHERE wanted.value NOT IN (SELECT value FROM json_each(view, '$.tags'))))
  AND (?6 = '' OR instr(
    lower(coalesce(json_extract(view, '$.name'), '') || ' ' || id || ' ' || json_extract(view, '$.model')), ?6) > 0)
  ORDER BY id DESC LIMIT ?3`;

/** Idempotency keys are remembered this long. */
const REMEMBER_MS = 48 * 3600 * 1000;

/** Admissions of jobs that are neither listed nor open are forgotten after this time; an open job has expired long before. */
const FORGET_MS = 9 * 86_400 * 1000;

/** The whole interface of the directory. */
export type WholeDirectory = Directory &
  KeyDirectory &
  ScheduleDirectory &
  DeadLetterDirectory & {
    /** What the list of all jobs adds up to. */
    readTotals(): Promise<DirectoryTotals>;
  };

/** The directory over one database, whose tables it makes. No other call runs between the statements of one call. */
export function createDirectoryRows(sql: SqlDatabase): WholeDirectory {
  sql.exec(SCHEMA);
  const schedules = createScheduleRows(sql);
  const upkeep = createUpkeepRows(sql);
  const deadLetters = createDeadLetterRows(sql);
  const spendings = createSpendingRows(sql);

  /** Counts a new job against its owner's quotas. */
  function admit(jobId: string, owner: Parameters<Directory["reserve"]>[0]["owner"], nowMs: number): Reservation {
    const day = new Date(nowMs).toISOString().slice(0, 10);
    sql.exec("DELETE FROM admissions WHERE atMs < ? AND jobId NOT IN (SELECT id FROM jobs)", nowMs - FORGET_MS);
    sql.exec("DELETE FROM unconfirmed WHERE jobId NOT IN (SELECT jobId FROM admissions)");
    if (owner.maxJobs !== null) {
      const openJobs = sql
        .exec<{ jobId: string; reservedMs: number }>(
          "SELECT jobId, atMs AS reservedMs FROM admissions WHERE owner = ? AND open = 1 ORDER BY jobId",
          owner.keyId,
        )
        .toArray();
      if (openJobs.length >= owner.maxJobs) return { kind: "full", openJobs };
    }
    if (owner.maxImagesPerDay !== null && sumImages(owner.keyId, day, "") >= owner.maxImagesPerDay) {
      return { kind: "spent" };
    }
    const budget = owner.budget?.dollars ?? Number.POSITIVE_INFINITY;
    if (spendings.sum(owner.keyId, nowMs) >= budget) return { kind: "spent_dollars" };
    sql.exec("INSERT INTO admissions VALUES (?, ?, ?, ?, 0, 1)", jobId, owner.keyId, day, nowMs);
    sql.exec("INSERT INTO unconfirmed VALUES (?)", jobId);
    return { kind: "new", jobId };
  }

  function sumImages(owner: string, day: string, exceptJob: string): number {
    return sql
      .exec<{ images: number }>(
        "SELECT coalesce(sum(images), 0) AS images FROM admissions WHERE owner = ? AND day = ? AND jobId <> ?",
        owner,
        day,
        exceptJob,
      )
      .one().images;
  }

  const findOwner = (jobId: string): string | null =>
    sql.exec<{ owner: string }>("SELECT owner FROM admissions WHERE jobId = ?", jobId).toArray()[0]?.owner ?? null;

  function findKey(id: string): ApiKeyRecord | null {
    const row = sql.exec<{ record: string }>("SELECT record FROM keys WHERE id = ?", id).toArray()[0];
    return row === undefined ? null : parseStored<ApiKeyRecord>(row.record);
  }

  const releaseAll = (jobIds: readonly string[]): void => {
    for (const id of jobIds) sql.exec("UPDATE admissions SET open = 0 WHERE jobId = ?", id);
  };

  return {
    async reserve(request: Parameters<Directory["reserve"]>[0]): Promise<Reservation> {
      const { jobId, idempotencyKey, bodySha256, nowMs, owner } = request;
      if (idempotencyKey === null) return admit(jobId, owner, nowMs);
      // Keys of two callers never meet: one must not learn of the other's job.
      const requestKey = `${owner.keyId}:${idempotencyKey}`;
      sql.exec("DELETE FROM requests WHERE atMs < ?", nowMs - REMEMBER_MS);
      const known = sql
        .exec<{ bodySha256: string; jobId: string }>(
          "SELECT bodySha256, jobId FROM requests WHERE idempotencyKey = ?",
          requestKey,
        )
        .toArray()[0];
      if (known !== undefined) {
        return known.bodySha256 === bodySha256 ? { kind: "known", jobId: known.jobId } : { kind: "mismatch" };
      }
      const admission = admit(jobId, owner, nowMs);
      if (admission.kind === "new") {
        sql.exec("INSERT INTO requests VALUES (?, ?, ?, ?)", requestKey, bodySha256, jobId, nowMs);
      }
      return admission;
    },

    async confirm(jobId: string): Promise<boolean> {
      sql.exec("DELETE FROM unconfirmed WHERE jobId = ?", jobId);
      return sql.exec("SELECT jobId FROM admissions WHERE jobId = ?", jobId).toArray().length > 0;
    },

    async withdraw(jobId: string, { confirmed }: Parameters<Directory["withdraw"]>[1]): Promise<void> {
      const taken = sql.exec("DELETE FROM unconfirmed WHERE jobId = ? RETURNING jobId", jobId).toArray();
      if (taken.length === 0 && !confirmed) return;
      sql.exec("DELETE FROM admissions WHERE jobId = ?", jobId);
      sql.exec("DELETE FROM requests WHERE jobId = ?", jobId);
    },

    async release(jobIds: readonly string[]): Promise<void> {
      releaseAll(jobIds);
    },

    async chargeImages(charge: Parameters<Directory["chargeImages"]>[0]): Promise<boolean> {
      const { jobId, images, maxImagesPerDay } = charge;
      const job = sql
        .exec<{ owner: string; day: string }>("SELECT owner, day FROM admissions WHERE jobId = ?", jobId)
        .toArray()[0];
      if (job === undefined) return false;
      if (sumImages(job.owner, job.day, jobId) + images > maxImagesPerDay) return false;
      // A repeated step charges nothing twice.
      sql.exec("UPDATE admissions SET images = max(images, ?) WHERE jobId = ?", images, jobId);
      return true;
    },

    async charge({ jobId, dollars, nowMs }: Parameters<Directory["charge"]>[0]): Promise<number | null> {
      const owner = findOwner(jobId);
      if (owner === null) return null;
      const spent = spendings.note(jobId, owner, dollars, nowMs);
      const budget = findKey(owner)?.budget?.dollars;
      return budget === undefined ? null : budget - spent;
    },

    async rank(standing: Parameters<Directory["rank"]>[0]): Promise<{ readonly outranked: boolean }> {
      const { jobId, priority, wantsEdge, nowMs, rankMs } = standing;
      sql.exec("DELETE FROM ranks WHERE saidMs < ? OR jobId = ?", nowMs - rankMs, jobId);
      if (!wantsEdge) return { outranked: false };
      sql.exec("INSERT INTO ranks VALUES (?, ?, ?)", jobId, priority, nowMs);
      return {
        outranked: sql.exec("SELECT jobId FROM ranks WHERE priority > ? LIMIT 1", priority).toArray().length > 0,
      };
    },

    async writeKey(record: ApiKeyRecord): Promise<void> {
      const { id, createdMs } = record;
      sql.exec("INSERT OR REPLACE INTO keys VALUES (?, ?, ?)", id, createdMs, JSON.stringify(record));
    },

    async readKey(id: string): Promise<ApiKeyRecord | null> {
      return findKey(id);
    },

    async listKeys(): Promise<readonly ApiKeyRecord[]> {
      return sql
        .exec<{ record: string }>("SELECT record FROM keys ORDER BY createdMs, id")
        .toArray()
        .map(({ record }) => parseStored<ApiKeyRecord>(record));
    },

    async removeKey(id: string): Promise<boolean> {
      return sql.exec<{ id: string }>("DELETE FROM keys WHERE id = ? RETURNING id", id).toArray().length > 0;
    },

    async endSession(sessionId: string, endMs: number, nowMs: number): Promise<boolean> {
      sql.exec("DELETE FROM ended_sessions WHERE endMs < ?", nowMs);
      const added = "INSERT OR IGNORE INTO ended_sessions VALUES (?, ?) RETURNING id";
      return sql.exec(added, sessionId, endMs).toArray().length > 0;
    },

    async isSessionEnded(sessionId: string): Promise<boolean> {
      return sql.exec("SELECT id FROM ended_sessions WHERE id = ?", sessionId).toArray().length > 0;
    },

    async update(view: JobView): Promise<void> {
      // A job only ever enters more statuses: the sum of its times grows with each change.
      const changes = Object.values(view.times).reduce((sum, time) => sum + Date.parse(time), 0);
      const stored = sql.exec(
        `INSERT INTO jobs VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE
         SET view = excluded.view, changes = excluded.changes WHERE excluded.changes >= jobs.changes RETURNING id`,
        view.id,
        JSON.stringify(view),
        changes,
      );
      if (stored.toArray().length > 0) {
        upkeep.note(view);
        const owner = findOwner(view.id);
        const atMs = Math.max(...Object.values(view.times).map((time) => Date.parse(time)));
        // The end of a job comes without a sweep.
        if (owner !== null) spendings.note(view.id, owner, view.budget?.spent ?? view.dollars ?? 0, atMs);
      }
      if (!isEnded(view.status)) return;
      // Its run can be judged; the end of an erasure asks as well.
      if (view.schedule !== undefined && view.erasure?.status !== "running") {
        const endMs = Math.max(...Object.values(view.times).map((time) => Date.parse(time)));
        schedules.wantScheduleLook(view.schedule.id, endMs);
      }
      sql.exec("DELETE FROM ranks WHERE jobId = ?", view.id);
      if (view.erasure?.status !== "running") deadLetters.forget(view.id);
      releaseAll([view.id]);
    },

    async list(options: Parameters<Directory["list"]>[0]): Promise<JobPage> {
      const { statuses, tags, search } = options.filter ?? NO_FILTER;
      const rows = sql
        .exec<{ id: string; view: string }>(
          LIST,
          options.cursor ?? "~",
          options.owner,
          options.limit + 1,
          JSON.stringify(statuses),
          JSON.stringify(tags),
          search.toLowerCase(),
        )
        .toArray();
      const page = rows.slice(0, options.limit);
      const jobs = page.map(({ view }) => parseStored<JobView>(view));
      return { jobs, cursor: rows.length > options.limit ? (page.at(-1)?.id ?? null) : null };
    },

    async remove(jobId: string): Promise<void> {
      sql.exec("DELETE FROM jobs WHERE id = ?", jobId);
      sql.exec("DELETE FROM requests WHERE jobId = ?", jobId);
      upkeep.forget(jobId);
      deadLetters.forget(jobId);
      releaseAll([jobId]);
    },

    async takeOpenJob(): Promise<string | null> {
      return upkeep.takeOpenJob();
    },

    async takeRetainedJob(nowMs: number): Promise<string | null> {
      return upkeep.takeRetainedJob(nowMs);
    },

    async readTotals(): Promise<DirectoryTotals> {
      return { openJobs: upkeep.countOpenJobs(), deadLetters: deadLetters.countDead() };
    },

    noteDeadLetter: async (...args) => deadLetters.noteDeadLetter(...args),
    listDeadLetters: async (...args) => deadLetters.listDeadLetters(...args),
    readDeadLetter: async (...args) => deadLetters.readDeadLetter(...args),
    markDeadLetterSent: async (...args) => deadLetters.markDeadLetterSent(...args),

    addSchedule: async (...args) => schedules.addSchedule(...args),
    replaceSchedule: async (...args) => schedules.replaceSchedule(...args),
    readSchedule: async (...args) => schedules.readSchedule(...args),
    listFeeds: async (store) => schedules.listFeeds(store),
    listSchedules: async (...args) => schedules.listSchedules(...args),
    takeDueSchedule: async (...args) => schedules.takeDueSchedule(...args),
    settleSchedule: async (...args) => schedules.settleSchedule(...args),
    removeSchedule: async (...args) => schedules.removeSchedule(...args),
    writeScheduleRun: async (...args) => schedules.writeScheduleRun(...args),
    listScheduleRuns: async (...args) => schedules.listScheduleRuns(...args),
    wantScheduleLook: async (...args) => schedules.wantScheduleLook(...args),
    takeScheduleLook: async (...args) => schedules.takeScheduleLook(...args),
    writeScheduleLook: async (...args) => schedules.writeScheduleLook(...args),
    readScheduleLook: async (...args) => schedules.readScheduleLook(...args),
  };
}
