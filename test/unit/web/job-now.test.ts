import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JOB_STATUSES, isEnded } from "../../../src/scoring/job/job-status.ts";
import { emptyOutcomes } from "../../../src/scoring/job/outcome-counts.ts";
import { nameEngine } from "../../../web/src/engine/engine-names.ts";
import { describeNow } from "../../../web/src/job/job-now.ts";
import { formatDollars } from "../../../web/src/words.ts";

const base: Parameters<typeof describeNow>[0] = {
  status: "running",
  execution: "edge",
  outranked: false,
  rate: 4,
  chunks: { pending: 30, queued: 2, leased: 1, done: 7 },
  counts: {
    listed: 720,
    planned: true,
    finished: 100,
    outcomes: emptyOutcomes(),
    errors: {},
    labels: [],
    labelNames: [],
    records: 100,
    bytes: 0,
  },
};

describe("what a job does now", () => {
  const wait = { store: "clinic", code: "store_unavailable", since: "", retryAt: "" } as const;
  it.each([
    [{}, "1 chunk is being scored; 32 more to go"],
    [{ chunks: { pending: 0, queued: 0, leased: 2, done: 7 } }, "2 chunks are being scored, the last of the job"],
    [
      { open: { received: 12, sealBy: "2026-11-24T15:27:00.000Z", sealedAt: null } },
      "1 chunk is being scored; open for more: 12 pictures came in so far; it is sealed by 2026-11-24 15:27 UTC, or expires",
    ],
    [
      {
        open: { received: 1, sealBy: "2026-11-24T15:27:00.000Z", sealedAt: null },
        chunks: { pending: 0, queued: 0, leased: 0, done: 1 },
      },
      "Open for more: 1 picture came in so far; it is sealed by 2026-11-24 15:27 UTC, or expires",
    ],
    [
      { open: { received: 12, sealBy: "2026-11-24T15:27:00.000Z", sealedAt: "2026-11-22T15:27:00.000Z" } },
      "1 chunk is being scored; 32 more to go",
    ],
    [{ execution: "client" }, "1 chunk is being scored in browsers; 32 more to go"],
    [{ outranked: true }, "One chunk at a time, since a job of a higher priority goes first; 32 more to go"],
    [{ chunks: { pending: 9, queued: 1, leased: 0, done: 0 }, rate: null }, "Waits for its turn on the server"],
    [{ chunks: { pending: 9, queued: 1, leased: 0, done: 3 } }, "10 chunks to go"],
    [
      { chunks: { pending: 9, queued: 1, leased: 0, done: 0 }, outranked: true },
      "Waits for a job of a higher priority",
    ],
    [{ waiting: wait }, "Waits for the store clinic"],
    [{ status: "paused" }, "Paused; 1 chunk under way will still count"],
    [{ status: "finalizing" }, "Everything is scored; labels, report and receipt are being written"],
    [{ status: "completed" }, null],
  ] as const)("%o: %s", (change, words) => {
    expect(describeNow({ ...base, ...change })).toBe(words);
  });

  it("has words for every moment of a job that goes on", () => {
    const count = fc.nat(2000);
    const moment = fc.record({
      status: fc.constantFrom(...JOB_STATUSES),
      execution: fc.constantFrom("edge" as const, "client" as const, "auto" as const),
      outranked: fc.boolean(),
      rate: fc.option(fc.double({ min: 0, noNaN: true })),
      chunks: fc.record({ pending: count, queued: count, leased: count, done: count }),
      planned: fc.boolean(),
      listed: count,
    });
    fc.assert(
      fc.property(moment, ({ planned, listed, ...rest }) => {
        const words = describeNow({ ...rest, counts: { ...base.counts, planned, listed } });
        expect(words === null).toBe(isEnded(rest.status));
        expect(words ?? "Ended").toMatch(/^[A-Z1-9].*[^.]$/);
      }),
    );
  });
});

describe("small words", () => {
  it.each([
    [0, "$0.0000"],
    [0.00002, "< $0.0001"],
    [0.00042, "$0.0004"],
    [12.5, "$12.50"],
  ])("%d dollars are %s", (dollars, words) => expect(formatDollars(dollars)).toBe(words));

  it.each([
    ["graph-wasm-relaxed", "the SIMD graph engine"],
    ["client:webgpu", "WebGPU of a browser"],
    ["npu@2", "npu@2"],
  ])("the engine %s is %s", (engine, words) => expect(nameEngine(engine)).toBe(words));
});
