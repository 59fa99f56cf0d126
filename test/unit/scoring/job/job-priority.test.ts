import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JobEvent } from "../../../../src/scoring/job/job-event.ts";
import { advanceJob, createJob } from "../../../../src/scoring/job/job-machine.ts";
import { countPlaces, wantsEdge } from "../../../../src/scoring/job/job-priority.ts";
import type { JobState } from "../../../../src/scoring/job/job-state.ts";
import { isEnded } from "../../../../src/scoring/job/job-status.ts";
import type { JobRules } from "../../../../src/scoring/job/job-rules.ts";
import type { ChunkRow } from "../../../../src/scoring/job/chunk-row.ts";
import { emptyOutcomes } from "../../../../src/scoring/job/outcome-counts.ts";

/** Several jobs over one queue that knows no priorities. */

const rules: JobRules = {
  maxConcurrency: 3,
  errorThreshold: 1,
  errorMinimumSample: 1,
  expiresMs: 1e9,
  eager: true,
  leaseMs: 1e6,
  resendMs: 1e6,
  maxChunkAttempts: 4,
  maxSingleExpiries: 2,
  maxSingleFailures: 6,
  maxTaskDeaths: 50,
  maxTaskAttempts: 5,
  maxBackoffSeconds: 8,
  maxIssues: 10,
  progressMs: 100,
};

interface Plan {
  readonly priority: number;
  readonly chunks: number;
}

type EventBody = JobEvent extends infer E ? (E extends JobEvent ? Omit<E, "nowMs"> : never) : never;

/** Jobs as their coordinators keep them, and the queue in the order of its messages. */
function createHouse(plans: readonly Plan[], changed: Partial<JobRules> = {}) {
  const queue: { readonly job: number; readonly id: string; readonly atMs: number }[] = [];
  const ended: number[] = [];
  let nowMs = 0;
  const jobs = plans.map(({ priority, chunks }, job) => {
    const rows = new Map<string, ChunkRow>();
    const created = createJob(`job${job}`, { ...rules, ...changed }, nowMs);
    return { priority, size: chunks, rows, state: created.state };
  });

  function send(job: number, event: EventBody): boolean {
    const own = jobs[job]!;
    const { state, effects, accepted } = advanceJob(own.state, { ...event, nowMs });
    for (const effect of effects) {
      if (effect.kind === "put-chunk") own.rows.set(effect.chunk.id, effect.chunk);
      if (effect.kind !== "dispatch") continue;
      const pending = [...own.rows.values()].filter(({ status }) => status === "pending");
      for (const row of pending.slice(0, effect.count)) {
        own.rows.set(row.id, { ...row, status: "queued", dueMs: effect.dueMs });
        queue.push({ job, id: row.id, atMs: nowMs + effect.delaySeconds * 1000 });
      }
    }
    own.state = state;
    if (state.status === "finalizing" && !ended.includes(job)) ended.push(job);
    return accepted;
  }

  return {
    jobs,
    queue,
    ended,
    send,
    plan(job: number): void {
      const { size, state } = jobs[job]!;
      send(job, { kind: "plan-begin", step: 0 });
      const chunks = Array.from({ length: size }, (_, at): ChunkRow => {
        const place = { pageKey: "page", offset: 0, length: 1 };
        const fresh = { status: "pending", attempt: 0, expiries: 0, dueMs: 0, result: null } as const;
        return { id: String(at).padStart(9, "0"), first: at, count: 1, ...place, ...fresh };
      });
      const found = { items: size, bytes: 0, pages: 1, chunks, issues: [], cursor: null };
      send(job, { kind: "plan-commit", step: 0, attempt: state.plan.attempt + 1, ...found });
    },
    /** What the directory answers each job. */
    compare(): void {
      const wanting = jobs.filter(({ state }) => wantsEdge(state, nowMs)).map(({ priority }) => priority);
      for (const [job, { priority, state }] of jobs.entries()) {
        const outranked = wantsEdge(state, nowMs) && wanting.some((other) => other > priority);
        send(job, { kind: "rank", outranked });
      }
    },
    /** A consumer takes the first message and scores its chunk. */
    consume(): void {
      if (queue.length === 0) return;
      nowMs = Math.max(nowMs + 10, Math.min(...queue.map(({ atMs }) => atMs)));
      const [message] = queue.splice(
        queue.findIndex(({ atMs }) => atMs <= nowMs),
        1,
      );
      if (message === undefined) return;
      const { rows } = jobs[message.job]!;
      send(message.job, { kind: "lease", chunk: rows.get(message.id)! });
      const done = { outcomes: { ...emptyOutcomes(), scored: 1 }, errors: {}, records: 1, sha256: "", bytes: 0 };
      const result = { ...done, reads: 1, readBytes: 1, engine: "x" };
      send(message.job, { kind: "finish", chunk: rows.get(message.id)!, result });
    },
  };
}

const count = (state: JobState): number => state.outcomes.scored;

describe("priorities", () => {
  it("lets a job that came later overtake, while the earlier goes on by single chunks", () => {
    const house = createHouse(
      [
        { priority: 0, chunks: 100 },
        { priority: 5, chunks: 60 },
      ],
      { maxConcurrency: 10 },
    );
    house.plan(0);
    for (let i = 0; i < 20; i++) house.consume();
    house.plan(1);
    house.compare();
    const before = count(house.jobs[0]!.state);
    while (!house.ended.includes(1)) {
      house.consume();
      house.compare();
    }
    const between = count(house.jobs[0]!.state) - before;
    // Its two chunks that were in the queue, and then one in three seconds.
    expect(between).toBeGreaterThanOrEqual(2);
    expect(between).toBeLessThanOrEqual(4);
    house.compare();
    expect(house.jobs[0]!.state).toMatchObject({ outranked: false, chunks: { queued: 2 } });
  });

  it("lets a small job of the same priority take turns with a huge one: it waits for a few chunks, not for hundreds", () => {
    const house = createHouse(
      [
        { priority: 0, chunks: 500 },
        { priority: 0, chunks: 3 },
      ],
      { maxConcurrency: 200 },
    );
    house.plan(0);
    for (let i = 0; i < 20; i++) house.consume();
    house.plan(1);
    const before = count(house.jobs[0]!.state);
    while (count(house.jobs[1]!.state) === 0) house.consume();
    expect(count(house.jobs[0]!.state) - before).toBeLessThanOrEqual(3);
    while (!house.ended.includes(1)) house.consume();
    expect(count(house.jobs[0]!.state) - before).toBeLessThanOrEqual(8);
  });

  it("gives one job all consumers that are free: its places double with each round", () => {
    const house = createHouse([{ priority: 0, chunks: 500 }], { maxConcurrency: 100 });
    house.plan(0);
    const places = [2, 4, 8, 16, 32, 64, 100].map((wanted) => {
      while (house.queue.length > 0) {
        const { job, id } = house.queue.shift()!;
        house.send(job, { kind: "lease", chunk: house.jobs[job]!.rows.get(id)! });
        if (house.jobs[job]!.state.chunks.leased >= wanted) break;
      }
      return house.jobs[0]!.state.chunks.leased;
    });
    expect(places.at(-1)).toBe(100);
  });

  it("does not wait for a job that is paused, or is with clients, or has given everything out", () => {
    const clients = createHouse([{ priority: 9, chunks: 4 }], { execution: "client", clientWaitMs: 1000 });
    clients.plan(0);
    const [job] = clients.jobs;
    expect([wantsEdge(job!.state, 0), wantsEdge(job!.state, 1000)]).toEqual([false, true]);
    const house = createHouse([{ priority: 9, chunks: 1 }]);
    expect(wantsEdge(house.jobs[0]!.state, 0)).toBe(true);
    house.plan(0);
    house.send(0, { kind: "pause" });
    expect(wantsEdge(house.jobs[0]!.state, 0)).toBe(false);
    house.send(0, { kind: "resume" });
    expect(wantsEdge(house.jobs[0]!.state, 0)).toBe(true);
    house.send(0, { kind: "lease", chunk: [...house.jobs[0]!.rows.values()][0]! });
    expect(wantsEdge(house.jobs[0]!.state, 0)).toBe(false);
  });

  it("ends all jobs, those of a higher priority first where all have the same to do", () => {
    const priorities = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 2, maxLength: 5 });
    const sizes = fc.record({
      chunks: fc.integer({ min: 8, max: 30 }),
      maxConcurrency: fc.integer({ min: 3, max: 8 }),
    });
    fc.assert(
      fc.property(priorities, sizes, (list, { chunks, maxConcurrency }) => {
        const house = createHouse(
          list.map((priority) => ({ priority, chunks })),
          { maxConcurrency },
        );
        house.compare();
        for (const job of list.keys()) house.plan(job);
        while (house.queue.length > 0) {
          house.consume();
          house.compare();
        }
        expect(house.ended.toSorted((a, b) => a - b)).toEqual([...list.keys()]);
        for (const { state } of house.jobs) expect(count(state)).toBe(chunks);
        const order = house.ended.map((job) => list[job]!);
        expect(order).toEqual(order.toSorted((a, b) => b - a));
      }),
      { numRuns: 300 },
    );
  });

  it("ends every job whatever the ranks say, and never holds more places than they give", () => {
    const actions = fc.array(fc.record({ job: fc.nat(2), kind: fc.constantFrom("up", "down", "consume", "consume") }), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(actions, (list) => {
        const house = createHouse([0, 1, 2].map((priority) => ({ priority, chunks: 12 })));
        for (const job of [0, 1, 2]) house.plan(job);
        for (const { job, kind } of list) {
          const { chunks } = house.jobs[job]!.state;
          const before = chunks.queued + chunks.leased;
          if (kind === "consume") house.consume();
          else house.send(job, { kind: "rank", outranked: kind === "down" });
          const { state } = house.jobs[job]!;
          const after = state.chunks.queued + state.chunks.leased;
          expect(after).toBeLessThanOrEqual(Math.max(before, countPlaces(state)));
        }
        // Outranked for ever: slower, but it ends.
        for (const job of [0, 1, 2]) house.send(job, { kind: "rank", outranked: true });
        while (house.queue.length > 0) house.consume();
        for (const { state } of house.jobs) expect([state.status, count(state)]).toEqual(["finalizing", 12]);
        expect(house.jobs.some(({ state }) => isEnded(state.status))).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});
