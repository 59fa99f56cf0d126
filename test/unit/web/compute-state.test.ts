import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { advance, beginCompute, type ComputeState, measureRate } from "../../../web/src/compute/compute-state.ts";
import { describeState } from "../../../web/src/compute/compute-words.ts";
import type { LoopReply, PlainEvent } from "../../../web/src/compute/messages.ts";

/** What the page makes of what its loop tells. */

const tell = (event: PlainEvent): LoopReply => ({ kind: "event", event });
const error = { code: "api_unavailable", detail: "the server cannot be reached" } as const;

function fold(messages: readonly LoopReply[], state = beginCompute("job", "auto")): ComputeState {
  return messages.reduce((before, message, at) => advance(before, message, 1000 * at), state);
}

const lease = (chunkId: string) => tell({ kind: "leased", chunkId, nonce: `n${chunkId}`, inputs: 100 });
const submit = (chunkId: string) => tell({ kind: "submitted", chunkId, records: 100 });

describe("the state of a computing page", () => {
  it("begins the ladder where the reader chose", () => {
    expect(beginCompute("job", "auto").rungs.map(({ engine }) => engine)).toEqual([
      "webgpu",
      "fused-wasm",
      "wasm-threads",
      "wasm",
    ]);
    expect(beginCompute("job", "wasm-threads").rungs.map(({ engine }) => engine)).toEqual(["wasm-threads", "wasm"]);
  });

  it("says which engine is in use and why a better one is not", () => {
    const { rungs, phase } = fold([
      tell({ kind: "left", backend: "webgpu", error: { code: "engine_unavailable", detail: "no adapter" } }),
      tell({ kind: "engine", backend: "fused-wasm", detail: "2 workers" }),
    ]);
    expect(phase).toBe("running");
    expect(rungs.map(({ status, detail }) => `${status} ${detail}`.trim())).toEqual([
      "left no adapter",
      "taken 2 workers",
      "untried",
      "untried",
    ]);
  });

  it("holds what was leased until it is handed in or given back, in any order", () => {
    const step = fc.record({ chunk: fc.integer({ min: 0, max: 5 }), isBack: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let state = beginCompute("job", "auto");
        const held = new Set<string>();
        let [chunks, returned] = [0, 0];
        for (const { chunk, isBack } of steps) {
          const chunkId = String(chunk);
          if (!held.has(chunkId)) {
            state = advance(state, lease(chunkId), 0);
            held.add(chunkId);
            continue;
          }
          held.delete(chunkId);
          if (isBack) returned += 1;
          else chunks += 1;
          state = advance(state, isBack ? tell({ kind: "released", chunkId, error }) : submit(chunkId), 0);
        }
        expect(new Set(state.holds.map(({ chunkId }) => chunkId))).toEqual(held);
        expect(state.holds.every(({ chunkId, nonce }) => nonce === `n${chunkId}`)).toBe(true);
        expect([state.chunks, state.returned, state.records]).toEqual([chunks, returned, 100 * chunks]);
      }),
    );
  });

  it("measures the rate over the last seconds, from the first lease on", () => {
    expect(measureRate(fold([]), 0)).toBeNull();
    const state = fold([lease("1"), submit("1"), lease("2"), submit("2")]);
    expect(measureRate(state, 4000)).toBeCloseTo(200 / 3);
    // Long after the last chunk there is nothing to measure.
    expect(measureRate(state, 60_000)).toBeNull();
  });

  it("says what it waits for, and no longer once work goes on", () => {
    const away = fold([tell({ kind: "waiting", waitMs: 500, error })]);
    expect(describeState(away, true, "running")).toContain("The server does not answer");
    expect(describeState(away, false, "running")).toContain("offline");
    expect(describeState(advance(away, lease("1"), 0), true, "running")).not.toContain("does not answer");
    const idle = tell({ kind: "waiting", waitMs: 500, error: null });
    expect(describeState(fold([idle]), true, "running")).toContain("No chunk is free");
    expect(describeState(fold([idle]), true, "paused")).toContain("The job is paused");
    expect(fold([lease("1"), idle]).waiting).toBeNull();
  });

  it("has nothing in hand once it has ended", () => {
    expect(fold([lease("1"), { kind: "ended" }])).toMatchObject({ phase: "ended", holds: [] });
    expect(fold([lease("1"), { kind: "failed", error }])).toMatchObject({ phase: "failed", holds: [], failure: error });
  });
});
