import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { splitChunk } from "../../../../src/scoring/job/chunk-split.ts";
import type { JobEffect, JobEvent } from "../../../../src/scoring/job/job-event.ts";
import { isOffered } from "../../../../src/scoring/job/job-clients.ts";
import type { StoreFailure } from "../../../../src/scoring/job/store-failure.ts";
import { advanceJob, createJob } from "../../../../src/scoring/job/job-machine.ts";
import type { JobState } from "../../../../src/scoring/job/job-state.ts";
import { isEnded, type JobStatus } from "../../../../src/scoring/job/job-status.ts";
import type { JobRules } from "../../../../src/scoring/job/job-rules.ts";
import type { ChunkResult, ChunkRow } from "../../../../src/scoring/job/chunk-row.ts";
import { countFinished, emptyOutcomes } from "../../../../src/scoring/job/outcome-counts.ts";

const rules: JobRules = {
  maxConcurrency: 3,
  errorThreshold: 0.5,
  errorMinimumSample: 20,
  expiresMs: 1_000_000,
  eager: true,
  leaseMs: 1000,
  resendMs: 500,
  maxChunkAttempts: 4,
  maxSingleExpiries: 2,
  maxSingleFailures: 6,
  maxTaskAttempts: 5,
  maxTaskDeaths: 50,
  maxBackoffSeconds: 8,
  maxIssues: 10,
  progressMs: 100,
};

function makeChunk(first: number, count: number): ChunkRow {
  const id = String(first).padStart(9, "0");
  const place = { pageKey: "page", offset: 0, length: 10 };
  return { id, first, count, ...place, status: "pending", attempt: 0, expiries: 0, dueMs: 0, result: null };
}

function makeResult(count: number, failed = 0): ChunkResult {
  const outcomes = { ...emptyOutcomes(), scored: count - failed, failed };
  const receipt = { sha256: "", bytes: 0, reads: 0, readBytes: 0, engine: "x" };
  return { outcomes, errors: {}, records: count, ...receipt };
}

/** A machine with its rows, as the coordinator keeps them. */
function createModel(changed: Partial<JobRules> = {}) {
  const rows = new Map<string, ChunkRow>();
  const sent: string[] = [];
  let messages = 0;
  let finalizing = false;
  let nowMs = 0;
  let state = perform(createJob("job", { ...rules, ...changed }, nowMs));

  function perform(transition: { state: JobState; effects: readonly JobEffect[] }): JobState {
    // What leaves while finalizing is not on the receipt, which is written then.
    const before = sent.length;
    const tasks = transition.effects.filter(({ kind }) => kind === "send-task").length;
    for (const effect of transition.effects) {
      if (effect.kind === "put-chunk") rows.set(effect.chunk.id, effect.chunk);
      if (effect.kind === "send-chunk") sent.push(effect.chunkId);
      if (effect.kind === "dispatch") {
        const pending = [...rows.values()].filter((row) => row.status === "pending").sort((a, b) => a.first - b.first);
        // The machine counts rows that it does not see: it must never ask for more than there are.
        if (pending.length < effect.count)
          throw new Error(`${effect.count} of ${pending.length} pending rows asked for`);
        const { chunks, outranked = false } = transition.state;
        if (outranked && chunks.queued + chunks.leased > 1) throw new Error("an outranked job pushes ahead");
        for (const row of pending.slice(0, effect.count)) {
          rows.set(row.id, { ...row, status: "queued", dueMs: effect.dueMs });
          sent.push(row.id);
        }
      }
    }
    messages += finalizing ? 0 : sent.length - before + tasks;
    finalizing = transition.state.status === "finalizing";
    return transition.state;
  }

  return {
    get messages() {
      return messages;
    },
    rows,
    sent,
    get state() {
      return state;
    },
    wait(ms: number) {
      nowMs += ms;
    },
    send(event: JobEvent extends infer E ? (E extends JobEvent ? Omit<E, "nowMs"> : never) : never): boolean {
      const transition = advanceJob(state, { ...event, nowMs });
      if (!transition.accepted && (transition.state !== state || transition.effects.length > 0)) {
        throw new Error("a refused event changed something");
      }
      state = perform(transition);
      return transition.accepted;
    },
    plan(sizes: readonly number[], done = true): boolean {
      let first = state.listed;
      const chunks = sizes.map((count) => {
        const chunk = makeChunk(first, count);
        first += count;
        return chunk;
      });
      const { step } = state.plan;
      if (!this.send({ kind: "plan-begin", step })) return false;
      return this.send({
        kind: "plan-commit",
        step,
        attempt: state.plan.attempt,
        cursor: done ? null : "next",
        items: first - state.listed,
        bytes: 0,
        pages: 1,
        chunks,
        issues: [],
      });
    },
    finish(id: string, failed = 0): boolean {
      const chunk = rows.get(id)!;
      return this.send({ kind: "finish", chunk, result: makeResult(chunk.count, failed) });
    },
    finishPart(id: string, inputs: number, failure: StoreFailure | null): boolean {
      const chunk = rows.get(id)!;
      return this.send({
        kind: "finish-part",
        chunk,
        attempt: chunk.attempt,
        inputs,
        result: makeResult(inputs),
        failure,
      });
    },
    /** A client takes the first chunk that is offered; its id. */
    leaseToClient(keyId = "key"): string | null {
      const chunk = [...rows.values()].sort((a, b) => a.first - b.first).find((row) => isOffered(state, row));
      const hold = { keyId, nonce: `${keyId}-${chunk?.id}-${chunk?.attempt}` };
      return chunk !== undefined && this.send({ kind: "client-lease", chunk, hold }) ? chunk.id : null;
    },
    lease(id: string): boolean {
      return this.send({ kind: "lease", chunk: rows.get(id)! });
    },
    drain() {
      for (let i = 0; i < 10_000 && state.status !== "finalizing" && !isEnded(state.status); i++) {
        const row = [...rows.values()].find(({ status }) => status === "queued" || status === "leased");
        if (row === undefined) return;
        if (row.status === "queued") this.lease(row.id);
        this.finish(row.id);
      }
    },
    finalize() {
      while (state.status === "finalizing") {
        const { step } = state.finalize;
        this.send({ kind: "finalize-begin", step });
        this.send({ kind: "finalize-commit", step, attempt: state.finalize.attempt, done: true });
      }
    },
  };
}

/** What must hold in every state. */
function checkInvariants(model: ReturnType<typeof createModel>): void {
  const { state, rows } = model;
  expect(state.meter?.messages).toBe(model.messages);
  const count = (...statuses: ChunkRow["status"][]) =>
    [...rows.values()].filter(({ status }) => statuses.includes(status)).length;
  expect(state.chunks).toEqual({
    pending: count("pending"),
    queued: count("queued"),
    leased: count("leased"),
    done: count("done", "sealed"),
  });
  expect(state.chunks.queued + state.chunks.leased).toBeLessThanOrEqual(state.rules.maxConcurrency);
  // A chunk has a holder only while it is leased.
  const held = [...rows.values()].filter(({ client }) => (client ?? null) !== null);
  expect(held.filter(({ status }) => status !== "leased")).toEqual([]);
  // The leaves cover every listed input exactly once.
  const leaves = [...rows.values()].filter(({ status }) => status !== "split").sort((a, b) => a.first - b.first);
  let next = 0;
  for (const leaf of leaves) {
    expect(leaf.first).toBe(next);
    next += leaf.count;
  }
  expect(next).toBe(state.listed);
  const finished = leaves.filter(({ status }) => status === "done" || status === "sealed");
  const counted = finished.reduce((sum, { count: size }) => sum + size, 0);
  const over = state.status === "finalizing" || isEnded(state.status);
  expect(countFinished(state.outcomes)).toBe(over ? state.listed : counted);
}

describe("the job machine", () => {
  it("runs a job from plan to completion", () => {
    const model = createModel();
    expect(model.plan([4, 4, 4, 4, 2])).toBe(true);
    expect(model.state.status).toBe("queued");
    expect(model.sent).toHaveLength(2);
    model.drain();
    expect(model.state.status).toBe("finalizing");
    model.finalize();
    expect(model.state.status).toBe("completed");
    expect(model.state.outcomes.scored).toBe(18);
  });

  it("ends an empty input at once, with outputs", () => {
    const model = createModel();
    model.plan([]);
    expect(model.state.status).toBe("finalizing");
  });

  it("counts a chunk once, however often it is reported", () => {
    const model = createModel();
    model.plan([4, 4]);
    model.lease("000000000");
    expect(model.finish("000000000")).toBe(true);
    expect(model.finish("000000000")).toBe(false);
    expect(model.state.outcomes.scored).toBe(4);
  });

  it("splits a chunk whose lease expired, down to one image that is sealed", () => {
    const model = createModel();
    model.plan([4]);
    for (let round = 0; round < 20 && model.state.status !== "finalizing"; round++) {
      for (const row of Array.from(model.rows.values())) {
        if (row.status === "queued") model.lease(row.id);
        // Input 2 kills whoever scores it.
        if (row.first <= 2 && row.first + row.count > 2) continue;
        if (row.status === "queued") model.finish(row.id);
      }
      model.wait(1000);
      for (const chunk of Array.from(model.rows.values())) {
        if (chunk.status === "leased") model.send({ kind: "chunk-due", chunk });
      }
      checkInvariants(model);
    }
    expect(model.state.outcomes).toMatchObject({ scored: 3, failed: 1 });
    expect(model.state.errors).toEqual({ item_poisoned: 1 });
    model.finalize();
    expect(model.state.status).toBe("completed_with_errors");
  });

  it("keeps what is done on cancel, and counts the rest as cancelled", () => {
    const model = createModel();
    model.plan([4, 4, 4], false);
    model.lease("000000000");
    model.lease("000000004");
    model.finish("000000000");
    expect(model.send({ kind: "cancel" })).toBe(true);
    expect(model.state.status).toBe("cancelling");
    // A leased chunk may still report.
    expect(model.finish("000000004")).toBe(true);
    expect(model.state.status).toBe("finalizing");
    expect(model.state.outcomes).toMatchObject({ scored: 8, cancelled: 4 });
    model.finalize();
    expect(model.state.status).toBe("cancelled");
  });

  it("pauses: no lease, no dispatch; resumes where it was", () => {
    const model = createModel();
    model.plan([4, 4]);
    model.send({ kind: "pause" });
    expect(model.lease("000000000")).toBe(true);
    expect(model.rows.get("000000000")?.status).toBe("pending");
    const sent = model.sent.length;
    model.send({ kind: "resume" });
    expect(model.sent.slice(sent)).toEqual(["000000000"]);
    model.drain();
    expect(model.state.outcomes.scored).toBe(8);
  });

  it("expires, and fails above the error threshold only after the minimum sample", () => {
    const expired = createModel();
    expired.plan([4]);
    expired.wait(1_000_000);
    expired.send({ kind: "tick" });
    expect(expired.state).toMatchObject({ status: "finalizing", verdict: "expired" });
    expect(expired.state.outcomes.expired).toBe(4);

    const failing = createModel();
    failing.plan([16, 16, 16]);
    failing.lease("000000000");
    failing.finish("000000000", 16);
    expect(failing.state.status).toBe("running");
    failing.lease("000000016");
    failing.finish("000000016", 16);
    expect(failing.state).toMatchObject({ verdict: "failed", failure: { code: "error_threshold" } });
  });

  it("scores nothing of an input with findings", () => {
    const model = createModel({ eager: false });
    model.plan([4], false);
    expect(model.state.status).toBe("validating");
    expect(model.sent).toEqual([]);
    const { step } = model.state.plan;
    model.send({ kind: "plan-begin", step });
    const issues = [{ path: "m.jsonl", line: 7, code: "line_invalid", message: "x" }];
    const empty = { items: 0, bytes: 0, pages: 0, chunks: [], cursor: null };
    model.send({ kind: "plan-commit", step, attempt: 1, ...empty, issues });
    expect(model.state).toMatchObject({ verdict: "failed", failure: { code: "validation_failed" }, issues });
  });

  it("keeps the chunks of a client's job from the edge, until no client asks", () => {
    const model = createModel({ execution: "client", clientWaitMs: 5000 });
    model.plan([4, 4, 4]);
    expect(model.sent).toEqual([]);
    expect(model.leaseToClient()).toBe("000000000");
    model.wait(4000);
    model.send({ kind: "tick" });
    expect(model.sent).toEqual([]);
    model.wait(1000);
    model.send({ kind: "tick" });
    expect(model.sent).toEqual(["000000004", "000000008"]);
    expect(model.leaseToClient()).toBeNull();
    checkInvariants(model);
  });

  it("gives the edge what a client lets expire, returns or lies about, whole", () => {
    const model = createModel({ execution: "client", clientWaitMs: 1e6 });
    model.plan([4, 4, 4, 4]);
    const [expired, returned, rejected] = [model.leaseToClient(), model.leaseToClient(), model.leaseToClient("liar")];
    // Concurrency is a bound for clients too.
    expect(model.leaseToClient()).toBeNull();
    const row = (id: string | null) => model.rows.get(id!)!;
    const stale = { keyId: "key", nonce: "another" };
    expect(model.send({ kind: "client-return", chunk: row(returned), hold: stale })).toBe(false);
    expect(model.send({ kind: "client-return", chunk: row(returned), hold: row(returned).client! })).toBe(true);
    const issue = { path: "chunks/8", code: "client_rejected", message: "a lie" };
    expect(model.send({ kind: "client-reject", chunk: row(rejected), hold: row(rejected).client!, issue })).toBe(true);
    model.wait(1000);
    expect(model.send({ kind: "chunk-due", chunk: row(expired) })).toBe(true);
    expect(model.sent).toEqual([returned, rejected, expired]);
    for (const id of model.sent) expect(row(id)).toMatchObject({ status: "queued", count: 4, client: null });
    expect(model.state).toMatchObject({
      clientChunks: { done: 0, expired: 1, rejected: 1 },
      blockedKeys: ["liar"],
      issues: [issue],
    });
    checkInvariants(model);
    for (const id of model.sent) {
      model.lease(id);
      model.finish(id);
    }
    expect(model.leaseToClient("liar")).toBeNull();
    expect(model.leaseToClient()).toBe("000000012");
  });

  it("lets a client take what waits in the queue of an auto job; the message then finds nothing", () => {
    const model = createModel({ execution: "auto" });
    model.plan([4, 4, 4]);
    expect(model.sent).toHaveLength(2);
    const id = model.leaseToClient()!;
    expect(model.lease(id)).toBe(false);
    model.lease("000000004");
    model.send({ kind: "release", chunk: model.rows.get("000000004")!, attempt: 1, failure: null });
    expect(model.leaseToClient()).toBe("000000008");
    // What the edge had once stays with the edge.
    expect(model.leaseToClient()).toBeNull();
    checkInvariants(model);
  });

  it("seals a picture for the deaths of its consumers, though its store failed in between", () => {
    const model = createModel();
    model.plan([1]);
    const [id = ""] = model.rows.keys();
    const row = (): ChunkRow => model.rows.get(id)!;
    const die = (): void => {
      model.lease(id);
      model.send({ kind: "renew", chunk: row(), attempt: row().attempt, computing: true });
      model.wait(rules.leaseMs + 1);
      model.send({ kind: "chunk-due", chunk: row() });
    };
    die();
    model.lease(id);
    const failure = { store: "faces", code: "store_unavailable", served: true } as const;
    model.send({ kind: "release", chunk: row(), attempt: row().attempt, failure });
    expect(row()).toMatchObject({ status: "queued", failures: 2 });
    die();
    expect(row()).toMatchObject({ status: "sealed", result: { errors: { item_poisoned: 1 } } });
    checkInvariants(model);
  });

  it("keeps its promises under any events in any order", () => {
    const actions = fc.array(
      fc.record({
        kind: fc.constantFrom(
          ...([
            "plan",
            "lease",
            "finish",
            "fail-item",
            "release",
            "renew",
            "finish-part",
            "lost",
            "due",
            "tick",
            "rank",
            "pause",
            "resume",
            "cancel",
            "task",
            "client-lease",
            "client-renew",
            "client-return",
            "client-reject",
            "client-finish",
          ] as const),
        ),
        pick: fc.nat(1000),
        wait: fc.constantFrom(0, 0, 10, 600, 1200),
        size: fc.integer({ min: 1, max: 5 }),
      }),
      { maxLength: 120 },
    );
    fc.assert(
      fc.property(actions, fc.constantFrom("edge", "client", "auto"), (list, execution) => {
        const model = createModel({ execution, clientWaitMs: 3000 });
        const seen: JobStatus[] = [];
        for (const { kind, pick, wait, size } of list) {
          model.wait(wait);
          const all = [...model.rows.values()];
          const chunk = all[pick % Math.max(1, all.length)];
          if (kind === "plan")
            model.plan(
              Array.from({ length: pick % 4 }, () => size),
              pick % 3 === 0,
            );
          else if (kind === "task")
            model.send({
              kind: "task-retry",
              task: "plan",
              step: pick % 3,
              attempt: 1,
              failure: { code: "internal", message: "" },
              outage: size % 2 === 0 ? null : { store: "faces", code: "store_unavailable", served: false },
            });
          else if (kind === "rank") model.send({ kind, outranked: pick % 2 === 0 });
          else if (kind === "tick" || kind === "pause" || kind === "resume") model.send({ kind });
          else if (kind === "client-lease") {
            const key = `key${pick % 3}`;
            const blocked = (model.state.blockedKeys ?? []).includes(key);
            const id = model.leaseToClient(key);
            if (id !== null && (execution === "edge" || blocked)) throw new Error("a lease that nobody may have");
          } else if (kind === "cancel") {
            if (pick % 10 === 0) model.send({ kind: "cancel" });
          } else if (chunk !== undefined) {
            if (kind === "lease") model.lease(chunk.id);
            if (kind === "finish") model.finish(chunk.id);
            if (kind === "fail-item") model.finish(chunk.id, chunk.count);
            const outage = {
              store: size > 3 ? "faces" : "out",
              code: "store_unavailable",
              served: size % 2 === 0,
            } as const;
            const failure = size === 1 ? null : outage;
            if (kind === "release") model.send({ kind: "release", chunk, attempt: chunk.attempt, failure });
            if (kind === "renew")
              model.send({ kind, chunk, attempt: chunk.attempt, computing: [null, true, false][pick % 3]! });
            if (kind === "finish-part") model.finishPart(chunk.id, 1 + (pick % 3), failure);
            if (kind === "lost") model.send({ kind: "chunk-lost", chunk });
            const hold = chunk.client ?? { keyId: "key0", nonce: "none" };
            const issue = { path: "", code: "client_rejected", message: "" };
            const held = (chunk.client ?? null) !== null;
            if (kind === "client-renew" || kind === "client-return") {
              if (model.send({ kind, chunk, hold }) && !held) throw new Error(`${kind} of a chunk that nobody holds`);
            }
            if (kind === "client-reject" && model.send({ kind, chunk, hold, issue }) && !held) {
              throw new Error("a rejection of a chunk that nobody holds");
            }
            if (kind === "client-finish" && held) model.finish(chunk.id);
            if (kind === "due") model.send({ kind: "chunk-due", chunk });
          }
          checkInvariants(model);
          if (seen.at(-1) !== model.state.status) seen.push(model.state.status);
        }
        // Whatever happened, the job can still be brought to an end.
        model.send({ kind: "resume" });
        for (let i = 0; i < 400 && !isEnded(model.state.status); i++) {
          model.wait(1000);
          model.send({ kind: "tick" });
          if (model.state.plan.status !== "done") model.plan([]);
          for (const chunk of Array.from(model.rows.values())) model.send({ kind: "chunk-due", chunk });
          model.drain();
          model.finalize();
        }
        expect(isEnded(model.state.status)).toBe(true);
        expect(countFinished(model.state.outcomes)).toBe(model.state.listed);
      }),
      { numRuns: 500 },
    );
  });
});

describe("splitting", () => {
  it("covers the whole with two deterministic halves", () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.integer({ min: 2, max: 1000 }), (first, count) => {
        const [left, right] = splitChunk(makeChunk(first, count));
        expect(left.first).toBe(first);
        expect(left.first + left.count).toBe(right.first);
        expect(right.first + right.count).toBe(first + count);
        expect(left.count).toBeGreaterThan(0);
        expect(right.count).toBeGreaterThan(0);
      }),
    );
  });
});
