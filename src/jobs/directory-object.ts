/** The Durable Object that lists all jobs. One for the whole deployment: it is asked once a status change, not once a chunk. */

import { DurableObject } from "cloudflare:workers";
import type { Directory, JobPage, Reservation } from "../scoring/directory.ts";
import type { JobView } from "../scoring/job-view.ts";
import { parseStored } from "../scoring/stored-json.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, view TEXT NOT NULL, changes INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS requests (idempotencyKey TEXT PRIMARY KEY, bodySha256 TEXT NOT NULL, jobId TEXT NOT NULL, atMs INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS requests_age ON requests (atMs);
`;

/** Idempotency keys are remembered this long. */
const REMEMBER_MS = 48 * 3600 * 1000;

export class DirectoryBase extends DurableObject implements Directory {
  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env);
    ctx.storage.sql.exec(SCHEMA);
  }

  async reserve(request: Parameters<Directory["reserve"]>[0]): Promise<Reservation> {
    const { jobId, idempotencyKey, bodySha256, nowMs } = request;
    const { sql } = this.ctx.storage;
    if (idempotencyKey === null) return { kind: "new", jobId };
    sql.exec("DELETE FROM requests WHERE atMs < ?", nowMs - REMEMBER_MS);
    const known = sql
      .exec<{ bodySha256: string; jobId: string }>(
        "SELECT bodySha256, jobId FROM requests WHERE idempotencyKey = ?",
        idempotencyKey,
      )
      .toArray()[0];
    if (known !== undefined) {
      return known.bodySha256 === bodySha256 ? { kind: "known", jobId: known.jobId } : { kind: "mismatch" };
    }
    sql.exec("INSERT INTO requests VALUES (?, ?, ?, ?)", idempotencyKey, bodySha256, jobId, nowMs);
    return { kind: "new", jobId };
  }

  async update(view: JobView): Promise<void> {
    // A job only ever enters more statuses: the sum of its times grows with each change.
    const changes = Object.values(view.times).reduce((sum, time) => sum + Date.parse(time), 0);
    this.ctx.storage.sql.exec(
      `INSERT INTO jobs VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE
       SET view = excluded.view, changes = excluded.changes WHERE excluded.changes >= jobs.changes`,
      view.id,
      JSON.stringify(view),
      changes,
    );
  }

  async list(options: { cursor: string | null; limit: number }): Promise<JobPage> {
    // Ids are UUIDv7: their order is the order of creation.
    const rows = this.ctx.storage.sql
      .exec<{ id: string; view: string }>(
        "SELECT id, view FROM jobs WHERE id < ? ORDER BY id DESC LIMIT ?",
        options.cursor ?? "~",
        options.limit + 1,
      )
      .toArray();
    const page = rows.slice(0, options.limit);
    const jobs = page.map(({ view }) => parseStored<JobView>(view));
    return { jobs, cursor: rows.length > options.limit ? (page.at(-1)?.id ?? null) : null };
  }

  async remove(jobId: string): Promise<void> {
    this.ctx.storage.sql.exec("DELETE FROM jobs WHERE id = ?", jobId);
  }
}
