import { packTar } from "modern-tar";
import { describe, expect, it, vi } from "vitest";
import { createCoordinator } from "../../src/scoring/job/coordinator.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import { createMemoryRows } from "../../src/scoring/job/memory-rows.ts";
import { createMemoryStore } from "../../src/storage/memory-store.ts";
import type { ObjectStore } from "../../src/storage/object-store.ts";
import { PLATFORM } from "./invocation-meter.ts";
import { checkSuccess, makeSpec, pictures, readOutputs, run } from "./scene.ts";

/** What one invocation may use, with the limits as they are shipped and the largest work that they allow. */

const picture = pictures.get("grey-48x48.png")!;

async function createPictures(count: number): Promise<ObjectStore> {
  const store = createMemoryStore({ minPartBytes: 1 });
  for (let i = 0; i < count; i++) await store.put(`in/${String(i).padStart(5, "0")}.png`, picture);
  return store;
}

describe("connections and subrequests of one invocation", () => {
  it("a chunk of the most single objects, from a store that refuses every seventh call", async () => {
    const store = await createPictures(LIMITS.maxChunkSize);
    const spec = makeSpec({ limits: { chunkSize: LIMITS.maxChunkSize } });
    const faults = { unavailable: 0.08, throttled: 0.06 };
    const { result } = await run({ store, spec, limits: LIMITS, faults, maxFaults: Number.POSITIVE_INFINITY });
    const { scored, failed } = result.state.outcomes;
    expect(scored + failed).toBe(LIMITS.maxChunkSize);
    expect(result.peaks.score.connections).toBe(PLATFORM.maxConnections);
    expect(result.peaks.score.subrequests).toBeGreaterThan(LIMITS.maxChunkSize);
    expect(result.peaks.score.subrequests).toBeLessThan(PLATFORM.maxSubrequests / 2);
    expect(result.peaks.plan.subrequests).toBeLessThan(PLATFORM.maxSubrequests / 2);
  });

  it("all steps of a job whose store refuses nearly every second call: it ends, and nothing is given up", async () => {
    const store = await createPictures(LIMITS.maxChunkSize);
    const spec = makeSpec({ limits: { chunkSize: 50 } });
    const faults = { unavailable: 0.25, throttled: 0.2 };
    const { result } = await run({ store, spec, limits: LIMITS, faults, maxFaults: Number.POSITIVE_INFINITY });
    expect(result.state).toMatchObject({ status: "completed", outcomes: { scored: LIMITS.maxChunkSize } });
    for (const { subrequests } of Object.values(result.peaks))
      expect(subrequests).toBeLessThan(PLATFORM.maxSubrequests / 2);
  });

  it("a planning step whose every input is a shard of its own", async () => {
    const store = createMemoryStore({ minPartBytes: 1 });
    const shards = (LIMITS.maxPagesPerPlanStep * LIMITS.plan.maxReads) / 2 + 10;
    for (let i = 0; i < shards; i++) {
      await store.put(
        `in/${String(i).padStart(5, "0")}.tar`,
        await packTar([{ header: { name: "a.png", size: picture.length, type: "file" }, body: picture }]),
      );
    }
    const spec = makeSpec({ format: "tar", limits: { chunkSize: LIMITS.maxChunkSize } });
    const { result } = await run({ store, spec, limits: LIMITS });
    expect(result.state).toMatchObject({ status: "completed", listed: shards });
    expect(result.peaks.plan.subrequests).toBeGreaterThan(LIMITS.maxPagesPerPlanStep * 100);
    expect(result.peaks.plan.subrequests).toBeLessThan(PLATFORM.maxSubrequests / 2);
  });

  it("a finalizing step of the most chunks, its uploads in small parts", async () => {
    const store = await createPictures(LIMITS.maxChunksPerFinalizeStep * 2 + 10);
    const spec = makeSpec({ limits: { chunkSize: 2, maxConcurrency: LIMITS.maxConcurrency } });
    const limits = { ...LIMITS, multipartBytes: 2048 };
    const { result } = await run({ store, spec, limits });
    expect(result.state.status).toBe("completed");
    // Two reads a chunk, and what is uploaded and carried.
    expect(result.peaks.finalize.subrequests).toBeGreaterThan(2 * LIMITS.maxChunksPerFinalizeStep);
    expect(result.peaks.finalize.subrequests).toBeLessThan(PLATFORM.maxSubrequests / 2);
    expect(result.peaks.finalize.connections).toBeLessThanOrEqual(PLATFORM.maxConnections);
    await checkSuccess(store);
    // With parts as large as they may be, in every output: 200 parts of 32 MiB are cut into pieces of 5 MiB.
    const uploads = Math.ceil((LIMITS.maxChunksPerFinalizeStep * LIMITS.maxPartBytes) / LIMITS.multipartBytes);
    expect(4 * uploads + 3 * LIMITS.maxChunksPerFinalizeStep).toBeLessThan(PLATFORM.maxSubrequests);
  });

  it("a sweep that finds every chunk of a job lost", async () => {
    const rows = createMemoryRows();
    let nowMs = 0;
    let calls = 0;
    const queue = {
      async send(messages: readonly unknown[]) {
        calls += Math.ceil(messages.length / 100);
      },
    };
    const coordinator = createCoordinator({ rows, queue, clock: () => nowMs, limits: LIMITS });
    await coordinator.create(makeSpec({ limits: { maxConcurrency: LIMITS.maxConcurrency, expiresInSeconds: 86_400 } }));
    const ticket = await coordinator.beginPlan(0);
    const chunks = Array.from({ length: 1000 }, (_, first) => ({
      id: String(first),
      first,
      count: 1,
      pageKey: "",
      offset: 0,
      length: 0,
      status: "pending" as const,
      attempt: 0,
      expiries: 0,
      dueMs: 0,
      result: null,
    }));
    calls = 0;
    const step = { step: 0, attempt: ticket!.attempt, cursor: null };
    await coordinator.commitPlan({ ...step, items: chunks.length, bytes: 0, pageKeys: [], chunks, issues: [] });
    for (let taken = 0; taken < LIMITS.maxConcurrency; taken++) {
      expect(await coordinator.lease(String(taken))).not.toBeNull();
    }
    expect((await coordinator.read())!.state.chunks).toMatchObject({ leased: LIMITS.maxConcurrency, queued: 0 });
    calls = 0;
    nowMs += LIMITS.leaseMs;
    await coordinator.sweep();
    // As many go back into the queue as are still leased; the others wait in their rows.
    expect(calls).toBe(LIMITS.maxConcurrency / 2);
    // One sweep handles so many rows, each a call of the queue at most, and leaves the others to the next.
    const { leased } = (await coordinator.read())!.state.chunks;
    expect(leased).toBe(LIMITS.maxConcurrency - LIMITS.maxSweepRows);
    calls = 0;
    nowMs += LIMITS.leaseMs;
    await coordinator.sweep();
    expect(calls).toBeGreaterThan(0);
    expect(LIMITS.maxSweepRows).toBeLessThan(PLATFORM.maxSubrequests / 2);
  });
});

describe("a clock that stands still while a consumer computes", () => {
  it("changes nothing: no step of the work reads a clock of its own", async () => {
    const { store } = await run({});
    vi.useFakeTimers({ toFake: ["Date", "performance"], now: 1_800_000_000_000 });
    try {
      const frozen = await run({ tickRate: 0 });
      expect(Date.now()).toBe(1_800_000_000_000);
      expect(frozen.result.state.status).toBe("completed_with_errors");
      expect(await readOutputs(frozen.store)).toEqual(await readOutputs(store));
    } finally {
      vi.useRealTimers();
    }
  });
});
