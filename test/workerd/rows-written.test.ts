/* oxlint-disable typescript/no-unsafe-type-assertion -- bindings and cursors as the runtime has them */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { JobCoordinatorBase } from "../../src/jobs/job-coordinator-object.ts";
import { createSqliteRows } from "../../src/jobs/sqlite-rows.ts";
import { ROWS_WRITTEN } from "../../src/scoring/job/job-cost.ts";
import { createCoordinator } from "../../src/scoring/job/coordinator.ts";
import { emptyOutcomes } from "../../src/scoring/job/outcome-counts.ts";
import { parseManifest } from "../../src/scoring/manifest/manifest.ts";
import type { WorkMessage } from "../../src/scoring/job/messages.ts";
import { planChunks } from "../../src/scoring/plan/plan-chunks.ts";

/** Rows that SQLite counts as written, as the platform charges for them: what the estimate says of them holds. */

const manifest = parseManifest(
  { input: { store: "faces", prefix: "in/" }, output: { store: "faces" }, limits: { chunkSize: 10 } },
  new Map([["faces", { versions: false }]]),
  () => true,
);

/** Runs a job of `chunks` chunks over the rows of a Durable Object, with a second between any two events; the rows written. */
async function countRows(chunks: number): Promise<number> {
  const { JOBS } = env as { JOBS: DurableObjectNamespace<JobCoordinatorBase> };
  return runInDurableObject(JOBS.getByName(`rows-${chunks}`), async (_, { storage }) => {
    let written = 0;
    const cursors: ReturnType<typeof storage.sql.exec>[] = [];
    const sql = {
      exec: (query: string, ...values: SqlValue[]) => {
        const cursor = storage.sql.exec(query, ...values);
        cursors.push(cursor);
        return cursor;
      },
      databaseSize: 0,
    };
    const transactionSync = <T>(body: () => T): T => storage.transactionSync(body);
    const rows = createSqliteRows({ ...storage, sql, transactionSync } as DurableObjectStorage);
    let nowMs = 1_800_000_000_000;
    const sent: WorkMessage[] = [];
    const coordinator = createCoordinator({
      rows,
      clock: () => (nowMs += 1000),
      queue: { send: async (batch) => void sent.push(...batch.map(({ message }) => message)) },
    });
    const own = { id: "job", createdMs: nowMs, manifest, manifestSha256: "0".repeat(64), retryOf: null, owner: null };
    await coordinator.create({ ...own, model: "m@1", modelSha256: "0".repeat(64), pipeline: 1 });
    for (let message = sent.shift(); message !== undefined; message = sent.shift()) {
      if (message.kind === "plan") {
        const { attempt } = (await coordinator.beginPlan(0))!;
        const items = Array.from({ length: 10 * chunks }, (_one, index) => {
          const key = `in/${index}`;
          return { index, id: key, key, size: 5000, etag: "e" };
        });
        const page = planChunks(items, "page", { chunkSize: 10, maxChunkBytes: 1e9, assumedBytes: 0 });
        const found = { items: items.length, bytes: 1, pageKeys: ["page"], chunks: page.chunks, issues: [] };
        await coordinator.commitPlan({ step: 0, attempt, cursor: null, ...found });
      } else if (message.kind === "score") {
        await coordinator.lease(message.chunkId);
        const outcomes = { ...emptyOutcomes(), scored: 10 };
        const part = { outcomes, errors: {}, records: 10, sha256: "0".repeat(64), bytes: 1 };
        await coordinator.finish(message.chunkId, { ...part, reads: 10, readBytes: 1, engine: "x" });
      }
    }
    for (const cursor of cursors) written += cursor.rowsWritten;
    return written;
  });
}

it("writes as many rows per chunk and per job as the estimate prices", async () => {
  const [few, many] = [await countRows(10), await countRows(60)];
  const perChunk = (many - few) / 50;
  const perJob = few - 10 * perChunk;
  expect(perChunk).toBeLessThanOrEqual(ROWS_WRITTEN.chunk);
  expect(perChunk).toBeGreaterThan(0.8 * ROWS_WRITTEN.chunk);
  expect(perJob).toBeLessThanOrEqual(ROWS_WRITTEN.job + ROWS_WRITTEN.page);
});
