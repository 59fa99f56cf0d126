/** The Durable Object that lists all jobs. One for the whole deployment: it is asked once a status change, not once a chunk. */

import { DurableObject } from "cloudflare:workers";
import type { ApiKeyRecord, KeyDirectory } from "../scoring/access/api-key.ts";
import type { Directory, JobPage, Reservation } from "../scoring/job/job-directory.ts";
import type { JobView } from "../scoring/job/job-view.ts";
import { isEnded } from "../scoring/job/job-state.ts";
import type { ScheduleDirectory } from "../scoring/schedules/schedule.ts";
import { parseStored } from "../scoring/stored-json.ts";
import { createScheduleRows, type ScheduleRows } from "./schedule-rows.ts";
import { createUpkeepRows, type UpkeepRows } from "./upkeep-rows.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, view TEXT NOT NULL, changes INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS requests (idempotencyKey TEXT PRIMARY KEY, bodySha256 TEXT NOT NULL, jobId TEXT NOT NULL, atMs INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS requests_age ON requests (atMs);
  CREATE TABLE IF NOT EXISTS admissions (jobId TEXT PRIMARY KEY, owner TEXT NOT NULL, day TEXT NOT NULL, atMs INTEGER NOT NULL, images INTEGER NOT NULL, open INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS admissions_open ON admissions (owner) WHERE open = 1;
  CREATE INDEX IF NOT EXISTS admissions_day ON admissions (owner, day);
  CREATE TABLE IF NOT EXISTS ranks (jobId TEXT PRIMARY KEY, priority INTEGER NOT NULL, saidMs INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS ranks_priority ON ranks (priority);
  CREATE TABLE IF NOT EXISTS keys (id TEXT PRIMARY KEY, createdMs INTEGER NOT NULL, record TEXT NOT NULL);
`;

/** Idempotency keys are remembered this long. */
const REMEMBER_MS = 48 * 3600 * 1000;

/** What was admitted and is neither listed nor open is forgotten then; an open job has expired long before. */
const FORGET_MS = 9 * 86_400 * 1000;

/** The directory's Durable Object: one for all jobs. */
export class DirectoryBase extends DurableObject implements Directory, KeyDirectory, ScheduleDirectory {
  readonly #schedules: ScheduleRows;
  readonly #upkeep: UpkeepRows;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env);
    ctx.storage.sql.exec(SCHEMA);
    this.#schedules = createScheduleRows(ctx.storage.sql);
    this.#upkeep = createUpkeepRows(ctx.storage.sql);
  }

  async reserve(request: Parameters<Directory["reserve"]>[0]): Promise<Reservation> {
    const { jobId, idempotencyKey, bodySha256, nowMs, owner } = request;
    const { sql } = this.ctx.storage;
    if (idempotencyKey === null) return this.#admit(jobId, owner, nowMs);
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
    const admission = this.#admit(jobId, owner, nowMs);
    if (admission.kind === "new") {
      sql.exec("INSERT INTO requests VALUES (?, ?, ?, ?)", requestKey, bodySha256, jobId, nowMs);
    }
    return admission;
  }

  /** Counts a new job against its owner's quotas. */
  #admit(jobId: string, owner: Parameters<Directory["reserve"]>[0]["owner"], nowMs: number): Reservation {
    const { sql } = this.ctx.storage;
    const day = new Date(nowMs).toISOString().slice(0, 10);
    sql.exec("DELETE FROM admissions WHERE atMs < ? AND jobId NOT IN (SELECT id FROM jobs)", nowMs - FORGET_MS);
    if (owner.maxJobs !== null) {
      const open = sql
        .exec<{ jobId: string }>(
          "SELECT jobId FROM admissions WHERE owner = ? AND open = 1 ORDER BY jobId",
          owner.keyId,
        )
        .toArray();
      if (open.length >= owner.maxJobs) return { kind: "full", openJobs: open.map((row) => row.jobId) };
    }
    if (owner.maxImagesPerDay !== null && this.#sumImages(owner.keyId, day, "") >= owner.maxImagesPerDay) {
      return { kind: "spent" };
    }
    sql.exec("INSERT INTO admissions VALUES (?, ?, ?, ?, 0, 1)", jobId, owner.keyId, day, nowMs);
    return { kind: "new", jobId };
  }

  #sumImages(owner: string, day: string, exceptJob: string): number {
    return this.ctx.storage.sql
      .exec<{ images: number }>(
        "SELECT coalesce(sum(images), 0) AS images FROM admissions WHERE owner = ? AND day = ? AND jobId <> ?",
        owner,
        day,
        exceptJob,
      )
      .one().images;
  }

  async release(jobIds: readonly string[]): Promise<void> {
    for (const id of jobIds) this.ctx.storage.sql.exec("UPDATE admissions SET open = 0 WHERE jobId = ?", id);
  }

  async chargeImages(charge: Parameters<Directory["chargeImages"]>[0]): Promise<boolean> {
    const { jobId, images, maxImagesPerDay } = charge;
    const { sql } = this.ctx.storage;
    const job = sql
      .exec<{ owner: string; day: string }>("SELECT owner, day FROM admissions WHERE jobId = ?", jobId)
      .toArray()[0];
    if (job === undefined) return false;
    if (this.#sumImages(job.owner, job.day, jobId) + images > maxImagesPerDay) return false;
    // A repeated step charges nothing twice.
    sql.exec("UPDATE admissions SET images = max(images, ?) WHERE jobId = ?", images, jobId);
    return true;
  }

  async rank(standing: Parameters<Directory["rank"]>[0]): Promise<{ readonly outranked: boolean }> {
    const { jobId, priority, wantsEdge, nowMs, rankMs } = standing;
    const { sql } = this.ctx.storage;
    sql.exec("DELETE FROM ranks WHERE saidMs < ? OR jobId = ?", nowMs - rankMs, jobId);
    if (!wantsEdge) return { outranked: false };
    sql.exec("INSERT INTO ranks VALUES (?, ?, ?)", jobId, priority, nowMs);
    return { outranked: sql.exec("SELECT jobId FROM ranks WHERE priority > ? LIMIT 1", priority).toArray().length > 0 };
  }

  async writeKey(record: ApiKeyRecord): Promise<void> {
    const { id, createdMs } = record;
    this.ctx.storage.sql.exec("INSERT OR REPLACE INTO keys VALUES (?, ?, ?)", id, createdMs, JSON.stringify(record));
  }

  async readKey(id: string): Promise<ApiKeyRecord | null> {
    const row = this.ctx.storage.sql.exec<{ record: string }>("SELECT record FROM keys WHERE id = ?", id).toArray()[0];
    return row === undefined ? null : parseStored<ApiKeyRecord>(row.record);
  }

  async listKeys(): Promise<readonly ApiKeyRecord[]> {
    return this.ctx.storage.sql
      .exec<{ record: string }>("SELECT record FROM keys ORDER BY createdMs, id")
      .toArray()
      .map(({ record }) => parseStored<ApiKeyRecord>(record));
  }

  async removeKey(id: string): Promise<boolean> {
    return (
      this.ctx.storage.sql.exec<{ id: string }>("DELETE FROM keys WHERE id = ? RETURNING id", id).toArray().length > 0
    );
  }

  async update(view: JobView): Promise<void> {
    // A job only ever enters more statuses: the sum of its times grows with each change.
    const changes = Object.values(view.times).reduce((sum, time) => sum + Date.parse(time), 0);
    const stored = this.ctx.storage.sql.exec(
      `INSERT INTO jobs VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE
       SET view = excluded.view, changes = excluded.changes WHERE excluded.changes >= jobs.changes RETURNING id`,
      view.id,
      JSON.stringify(view),
      changes,
    );
    if (stored.toArray().length > 0) this.#upkeep.note(view);
    if (!isEnded(view.status)) return;
    this.ctx.storage.sql.exec("DELETE FROM ranks WHERE jobId = ?", view.id);
    await this.release([view.id]);
  }

  async list(options: Parameters<Directory["list"]>[0]): Promise<JobPage> {
    // Ids are UUIDv7: their order is the order of creation.
    const rows = this.ctx.storage.sql
      .exec<{ id: string; view: string }>(
        `SELECT id, view FROM jobs WHERE id < ?1
         AND (?2 IS NULL OR id IN (SELECT jobId FROM admissions WHERE owner = ?2)) ORDER BY id DESC LIMIT ?3`,
        options.cursor ?? "~",
        options.owner,
        options.limit + 1,
      )
      .toArray();
    const page = rows.slice(0, options.limit);
    const jobs = page.map(({ view }) => parseStored<JobView>(view));
    return { jobs, cursor: rows.length > options.limit ? (page.at(-1)?.id ?? null) : null };
  }

  async remove(jobId: string): Promise<void> {
    this.ctx.storage.sql.exec("DELETE FROM jobs WHERE id = ?", jobId);
    this.ctx.storage.sql.exec("DELETE FROM requests WHERE jobId = ?", jobId);
    this.#upkeep.forget(jobId);
    await this.release([jobId]);
  }

  async takeOpenJob(): Promise<string | null> {
    return this.#upkeep.takeOpenJob();
  }

  async takeRetainedJob(nowMs: number): Promise<string | null> {
    return this.#upkeep.takeRetainedJob(nowMs);
  }

  async addSchedule(
    ...args: Parameters<ScheduleDirectory["addSchedule"]>
  ): ReturnType<ScheduleDirectory["addSchedule"]> {
    return this.#schedules.addSchedule(...args);
  }

  async replaceSchedule(
    ...args: Parameters<ScheduleDirectory["replaceSchedule"]>
  ): ReturnType<ScheduleDirectory["replaceSchedule"]> {
    return this.#schedules.replaceSchedule(...args);
  }

  async readSchedule(
    ...args: Parameters<ScheduleDirectory["readSchedule"]>
  ): ReturnType<ScheduleDirectory["readSchedule"]> {
    return this.#schedules.readSchedule(...args);
  }

  async listSchedules(
    ...args: Parameters<ScheduleDirectory["listSchedules"]>
  ): ReturnType<ScheduleDirectory["listSchedules"]> {
    return this.#schedules.listSchedules(...args);
  }

  async takeDueSchedule(
    ...args: Parameters<ScheduleDirectory["takeDueSchedule"]>
  ): ReturnType<ScheduleDirectory["takeDueSchedule"]> {
    return this.#schedules.takeDueSchedule(...args);
  }

  async settleSchedule(
    ...args: Parameters<ScheduleDirectory["settleSchedule"]>
  ): ReturnType<ScheduleDirectory["settleSchedule"]> {
    return this.#schedules.settleSchedule(...args);
  }

  async removeSchedule(
    ...args: Parameters<ScheduleDirectory["removeSchedule"]>
  ): ReturnType<ScheduleDirectory["removeSchedule"]> {
    return this.#schedules.removeSchedule(...args);
  }

  async writeScheduleRun(
    ...args: Parameters<ScheduleDirectory["writeScheduleRun"]>
  ): ReturnType<ScheduleDirectory["writeScheduleRun"]> {
    return this.#schedules.writeScheduleRun(...args);
  }

  async listScheduleRuns(
    ...args: Parameters<ScheduleDirectory["listScheduleRuns"]>
  ): ReturnType<ScheduleDirectory["listScheduleRuns"]> {
    return this.#schedules.listScheduleRuns(...args);
  }
}
