import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChunkResult, ChunkRow } from "../../../../src/scoring/job/chunk-row.ts";
import { sumDollars } from "../../../../src/scoring/job/job-budget.ts";
import type { JobEvent } from "../../../../src/scoring/job/job-event.ts";
import { advanceJob, createJob } from "../../../../src/scoring/job/job-machine.ts";
import { makeRules } from "../../../../src/scoring/job/job-rules.ts";
import type { JobState } from "../../../../src/scoring/job/job-state.ts";
import { describeJobStatus, isEnded } from "../../../../src/scoring/job/job-status.ts";
import { viewJob } from "../../../../src/scoring/job/job-view.ts";
import { emptyOutcomes } from "../../../../src/scoring/job/outcome-counts.ts";
import { LIMITS } from "../../../../src/scoring/limits.ts";
import { makeSpec } from "../../../fault/scene.ts";

/** A job that may cost so much and no more: the machine with its rows, over chunks of any size and price. */

interface Chunk {
  readonly count: number;
  /** Reads of the store, and bytes: what makes one chunk dearer than another. */
  readonly reads: number;
  readonly bytes: number;
}

interface World {
  state: JobState;
  readonly rows: Map<string, ChunkRow>;
  /** Most that was out at once after the first chunk had shown its price. */
  readonly overdrafts: number[];
  send(event: JobEvent extends infer E ? (E extends JobEvent ? Omit<E, "nowMs"> : never) : never): boolean;
  /** Leases and finishes whatever is out, chosen by `picks`, until nothing is. */
  drain(picks: readonly number[]): void;
}

const spent = (state: JobState): number => sumDollars(state, state.rules.workload!);

function createWorld(chunks: readonly Chunk[], budget: number | null): World {
  const spec = makeSpec({ limits: { maxConcurrency: 8 }, ...(budget === null ? {} : { budget: { dollars: budget } }) });
  let nowMs = spec.createdMs;
  const rows = new Map<string, ChunkRow>();
  const prices = new Map<string, Chunk>();
  const world: World = {
    state: createJob("job", makeRules(spec, LIMITS), nowMs).state,
    rows,
    overdrafts: [],
    send(event) {
      nowMs += 10;
      const { state, effects, accepted } = advanceJob(world.state, { ...event, nowMs });
      if (!accepted && (state !== world.state || effects.length > 0))
        throw new Error("a refused event changed something");
      const before = world.state;
      world.state = state;
      for (const effect of effects) {
        if (effect.kind === "put-chunk") rows.set(effect.chunk.id, effect.chunk);
        if (effect.kind !== "dispatch") continue;
        const out = state.chunks.queued + state.chunks.leased;
        if (state.budget !== undefined && before.chunks.done > 0) {
          // As it was when these were counted: their own messages came on top.
          const meter = state.meter!;
          const dollars = spent({ ...state, meter: { ...meter, messages: meter.messages - effect.count } });
          world.overdrafts.push(dollars + (out * dollars) / state.chunks.done - state.budget);
        }
        const pending = [...rows.values()].filter(({ status }) => status === "pending");
        for (const row of pending.slice(0, effect.count)) rows.set(row.id, { ...row, status: "queued" });
      }
      return accepted;
    },
    drain(picks) {
      for (let turn = 0; ; turn++) {
        const out = [...rows.values()].filter(({ status }) => status === "queued" || status === "leased");
        if (out.length === 0) return;
        const row = out[(picks[turn % picks.length] ?? 0) % out.length]!;
        if (row.status === "queued" && world.send({ kind: "lease", chunk: row })) continue;
        const { count, reads, bytes } = prices.get(row.id)!;
        const result: ChunkResult = {
          outcomes: { ...emptyOutcomes(), scored: count },
          errors: {},
          records: count,
          sha256: "",
          bytes: 0,
          reads,
          readBytes: bytes,
          operations: { reads, writes: 1 },
          engine: "x",
        };
        world.send({ kind: "finish", chunk: rows.get(row.id)!, result });
      }
    },
  };
  let first = 0;
  const planned = chunks.map((chunk): ChunkRow => {
    const id = String(first).padStart(9, "0");
    const row = { id, first, count: chunk.count, pageKey: "page", offset: 0, length: 1 };
    first += chunk.count;
    prices.set(id, chunk);
    return { ...row, status: "pending", attempt: 0, expiries: 0, dueMs: 0, result: null };
  });
  world.send({ kind: "plan-begin", step: 0 });
  const plan = { step: 0, attempt: 1, cursor: null, items: first, bytes: 0, pages: 1, chunks: planned, issues: [] };
  world.send({ kind: "plan-commit", ...plan });
  // A budget that planning alone uses up lets nothing be planned.
  if (world.state.plan.status !== "done") {
    world.send({ kind: "resume", budget: 1000 });
    world.state = { ...world.state, budget: budget ?? 0 };
    world.send({ kind: "plan-begin", step: 0 });
    world.send({ kind: "plan-commit", ...plan, attempt: world.state.plan.attempt });
  }
  return world;
}

function finalize(world: World): void {
  while (world.state.status === "finalizing") {
    const { step } = world.state.finalize;
    world.send({ kind: "finalize-begin", step });
    world.send({ kind: "finalize-commit", step, attempt: world.state.finalize.attempt, done: true });
  }
}

/** A job that paused for its budget goes on for more money and for nothing else, and all the while keeps what is done. */
function raiseBudget(world: World, budget: number, whole: number, order: readonly number[]): void {
  expect(world.state).toMatchObject({ status: "paused", pausedFor: "budget" });
  const kept = world.state.outcomes.scored;
  const done = [...world.rows.values()].reduce((sum, row) => sum + (row.status === "done" ? row.count : 0), 0);
  expect(kept).toBe(done);
  expect(world.send({ kind: "tick" })).toBe(true);
  expect(world.state.status).toBe("paused");
  expect(world.send({ kind: "resume" })).toBe(false);
  expect(world.send({ kind: "resume", budget: budget / 2 })).toBe(false);
  expect(world.state.outcomes.scored).toBe(kept);
  expect(world.send({ kind: "resume", budget: 10 * whole + 1 })).toBe(true);
  expect(world.state.pausedFor).toBeUndefined();
  world.drain(order);
}

const chunk = fc.record({ count: fc.integer({ min: 1, max: 256 }), reads: fc.nat(500), bytes: fc.nat(50_000_000) });
const chunks = fc.array(chunk, { minLength: 1, maxLength: 40 });
const picks = fc.array(fc.nat(7), { minLength: 1, maxLength: 20 });

describe("a budget", () => {
  it("pauses the job before it is used up, keeps what is done, and gives all of it back for more money", () => {
    fc.assert(
      fc.property(chunks, picks, fc.double({ min: 0, max: 1.2, noNaN: true }), (list, order, share) => {
        const free = createWorld(list, null);
        free.drain(order);
        finalize(free);
        expect(free.state.status).toBe("completed");
        const whole = spent(free.state);

        const budget = Math.max(1e-6, whole * share);
        const world = createWorld(list, budget);
        world.drain(order);
        // Nothing went out that would have cost too much, as far as those before it tell.
        for (const overdraft of world.overdrafts) expect(overdraft).toBeLessThan(1e-6);
        if (world.state.status !== "finalizing") raiseBudget(world, budget, whole, order);
        finalize(world);
        expect(world.state).toMatchObject({ status: "completed", outcomes: free.state.outcomes });
      }),
      { numRuns: 300 },
    );
  });

  it("of which nothing is left ends in what was scored, if somebody cancels", () => {
    const list = Array.from({ length: 30 }, () => ({ count: 10, reads: 10, bytes: 1_000_000 }));
    const free = createWorld(list, null);
    free.drain([0]);
    const world = createWorld(list, spent(free.state) / 2);
    world.drain([0]);
    const { scored } = world.state.outcomes;
    expect(scored).toBeGreaterThan(50);
    expect(scored).toBeLessThan(200);
    expect(world.send({ kind: "cancel" })).toBe(true);
    finalize(world);
    expect(world.state).toMatchObject({ status: "cancelled", outcomes: { scored, cancelled: 300 - scored } });
    expect(world.state.pausedFor).toBeUndefined();
    expect(spent(world.state)).toBeLessThanOrEqual(spent(free.state) / 2);
  });

  it("is no client's either", () => {
    const list = Array.from({ length: 4 }, () => ({ count: 10, reads: 10, bytes: 1_000_000 }));
    const world = createWorld(list, 1000);
    world.state = { ...world.state, budget: 1e-9, rules: { ...world.state.rules, execution: "auto" } };
    const offer = [...world.rows.values()].find(({ status }) => status === "pending")!;
    expect(world.send({ kind: "client-lease", chunk: offer, hold: { keyId: "k", nonce: "n" } })).toBe(false);
  });

  it("of a key pauses every job of it, and a resumed one goes on until the next sweep", () => {
    const world = createWorld([{ count: 1, reads: 1, bytes: 1 }], null);
    expect(world.send({ kind: "key-budget", left: null })).toBe(false);
    expect(world.send({ kind: "key-budget", left: 0.01 })).toBe(false);
    expect(world.send({ kind: "key-budget", left: 0 })).toBe(true);
    expect(world.state).toMatchObject({ status: "paused", pausedFor: "key_budget" });
    expect(world.send({ kind: "key-budget", left: -1 })).toBe(false);
    expect(describeJobStatus({ ...world.state, open: undefined })).toBe(
      "paused: the key's budget of the month used up",
    );
    expect(world.send({ kind: "resume" })).toBe(true);
    world.drain([0]);
    finalize(world);
    expect(isEnded(world.state.status)).toBe(true);
    expect(world.send({ kind: "key-budget", left: 0 })).toBe(false);
  });

  it("stands in the view of the job with what was spent, and words", () => {
    const spec = makeSpec({ budget: { dollars: 0.5 } });
    const { state } = createJob("job", makeRules(spec, LIMITS), 0);
    const view = viewJob({ ...state, status: "paused", pausedFor: "budget" }, spec, 0);
    expect(view).toMatchObject({ pausedFor: "budget", budget: { dollars: 0.5, spent: expect.any(Number) } });
    expect(describeJobStatus(view)).toBe("paused: budget used up");
    expect(describeJobStatus({ status: "paused" })).toBe("paused");
  });
});
