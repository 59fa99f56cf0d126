import { describe, expect, it } from "vitest";
import { createJob } from "../../../../src/scoring/job/job-machine.ts";
import { makeRules } from "../../../../src/scoring/job/job-rules.ts";
import type { JobState } from "../../../../src/scoring/job/job-state.ts";
import { emptyOutcomes } from "../../../../src/scoring/job/outcome-counts.ts";
import { estimateSeconds } from "../../../../src/scoring/job/time-left.ts";
import { LIMITS } from "../../../../src/scoring/limits.ts";
import type { OutputLayout } from "../../../../src/scoring/keys.ts";
import { makeLaidOutSpec } from "../../../fault/scene.ts";

/** A job of ten million inputs, half of them scored in 1,000 seconds. */
function makeState(layout: OutputLayout, changes: Partial<JobState> = {}): JobState {
  const spec = makeLaidOutSpec(layout, { limits: { maxConcurrency: 50 } });
  const created = createJob("job", makeRules(spec, LIMITS), 0).state;
  return {
    ...created,
    status: "running",
    plan: { ...created.plan, status: "done" },
    listed: 10_000_000,
    records: 5_000_000,
    outcomes: { ...emptyOutcomes(), scored: 5_000_000 },
    chunks: { pending: 20_000, queued: 0, leased: 0, done: 20_000 },
    rate: { perSecond: 5000, atMs: 1_000_000, counted: 5_000_000 },
    ...changes,
  };
}

const scan = { key: "k", total: 100, begun: 40, ready: 25, ahead: [], taken: 25, rest: false };
const planning = { plan: { step: 9, status: "waiting", attempt: 0, dueMs: 0 } } as const;

describe("the time that a job still takes", () => {
  it("is that of scoring what is listed, and of a data set that of merging its parts side by side", () => {
    expect(estimateSeconds(makeState("single"), 1_000_000)).toBe(1000);
    // Five parts of 8,000 chunks each, at once.
    expect(estimateSeconds(makeState("dataset"), 1_000_000)).toBe(1000 + 360);
    const rules = { ...makeState("dataset").rules, maxConcurrency: 2 };
    expect(estimateSeconds(makeState("dataset", { rules }), 1_000_000)).toBe(1000 + 3 * 360);
  });

  it("counts what the ranges that are not listed will bring, once one was taken", () => {
    // Three quarters are still to list, which takes three times as long as so far; scoring takes longer.
    const half = makeState("single", { ...planning, scan });
    expect(estimateSeconds(half, 1_000_000)).toBe((40_000_000 - 5_000_000) / 5000);
    const fast = { ...half, rate: { ...half.rate, perSecond: 1e6 } };
    expect(estimateSeconds(fast, 1_000_000)).toBe(3000);
    expect(estimateSeconds({ ...half, scan: { ...scan, taken: 0 } }, 1_000_000)).toBeNull();
    expect(estimateSeconds(makeState("single", planning), 1_000_000)).toBeNull();
  });

  it("is that of the parts that are left while they are merged", () => {
    const times = { finalizing: 1_000_000 };
    const merge = { inputs: 1, end: 5, total: 5, begun: 5, done: 2 };
    const merging = makeState("dataset", { status: "finalizing", times, merge });
    expect(estimateSeconds(merging, 1_060_000)).toBe(90);
    expect(estimateSeconds({ ...merging, merge: { ...merge, done: 0 } }, 1_060_000)).toBeNull();
    expect(estimateSeconds({ ...merging, status: "completed" }, 1_060_000)).toBe(0);
  });
});
