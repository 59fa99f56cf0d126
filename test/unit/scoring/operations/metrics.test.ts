import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ERROR_CODES, ScoringError } from "../../../../src/errors.ts";
import { consumeBatch, consumeDeadLetters } from "../../../../src/jobs/consumer.ts";
import { createDatasetMetrics, createLogMetrics } from "../../../../src/jobs/metrics-sinks.ts";
import { createJob } from "../../../../src/scoring/job/job-machine.ts";
import type { JobSpec } from "../../../../src/scoring/job/job-spec.ts";
import { makeRules } from "../../../../src/scoring/job/job-rules.ts";
import type { JobState } from "../../../../src/scoring/job/job-state.ts";
import { emptyOutcomes } from "../../../../src/scoring/job/outcome-counts.ts";
import { LIMITS } from "../../../../src/scoring/limits.ts";
import { manifestSchema } from "../../../../src/scoring/manifest/manifest.ts";
import type { WorkMessage } from "../../../../src/scoring/job/messages.ts";
import { describeEndedJob, encodePoint, type MetricPoint } from "../../../../src/scoring/operations/metrics.ts";
import type { WorkDeps } from "../../../../src/scoring/work/work-deps.ts";

const spec: JobSpec = {
  id: "job-id-secret",
  createdMs: 0,
  manifest: manifestSchema.parse({
    name: "name-secret",
    purpose: "purpose-secret",
    input: { store: "faces", prefix: "prefix-secret/" },
    output: { store: "faces" },
  }),
  manifestSha256: "0".repeat(64),
  model: "deep-emotion@1",
  modelSha256: "0".repeat(64),
  pipeline: 1,
  retryOf: null,
  owner: null,
};

function endJob(change: Partial<JobState>): JobState {
  const state = createJob(spec.id, makeRules(spec, LIMITS), 1_000).state;
  return { ...state, status: "completed_with_errors", times: { completed_with_errors: 61_000 }, ...change };
}

function fail(): never {
  throw new ScoringError("store_unavailable", "down");
}

describe("metrics of a job", () => {
  it("count every input once, by outcome and by code, and name nothing of the caller's", () => {
    const counts = fc.record({ scored: fc.nat(1e6), failed: fc.nat(1e6), no_face: fc.nat(1e6) });
    const errors = fc.dictionary(fc.constantFrom(...ERROR_CODES), fc.integer({ min: 1, max: 1e6 }));
    fc.assert(
      fc.property(counts, errors, (some, codes) => {
        const outcomes = { ...emptyOutcomes(), ...some };
        const points = describeEndedJob(endJob({ outcomes, errors: codes }), spec);
        const sum = (kind: "outcome" | "error"): number =>
          points.reduce((total, point) => total + (point.kind === kind ? point.count : 0), 0);
        expect(sum("outcome")).toBe(some.scored + some.failed + some.no_face);
        expect(sum("error")).toBe(Object.values(codes).reduce((total, count) => total + count, 0));
        expect(points.filter(({ kind }) => kind === "job")).toMatchObject([{ seconds: 60 }]);
        expect(JSON.stringify(points)).not.toContain("secret");
        for (const { indexes, blobs, doubles } of points.map(encodePoint)) {
          expect(indexes[0]).toBe(blobs[0]);
          // The platform's own bounds: 20 labels, 20 numbers, an index of 96 bytes.
          expect(blobs.length).toBeLessThanOrEqual(20);
          expect(doubles.every((value) => Number.isFinite(value))).toBe(true);
        }
        // One invocation may write 250.
        expect(points.length).toBeLessThan(100);
      }),
    );
  });

  it("are none before its end", () => {
    expect(describeEndedJob(endJob({ status: "running" }), spec)).toEqual([]);
  });
});

describe("metrics of the queue", () => {
  const chunk: WorkMessage = { kind: "score", jobId: "j", chunkId: "000000000" };

  async function consume(openJob: () => never, dead = false, body: WorkMessage = chunk, attempts = 2) {
    const points: MetricPoint[] = [];
    const lines: unknown[] = [];
    let settled = "";
    let nowMs = 5_000;
    const message = {
      id: "m",
      timestamp: new Date(2_000),
      attempts,
      body,
      ack: () => void (settled = "ack"),
      retry: () => void (settled = "retry"),
    };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a dead letter asks nothing but its coordinator
    const work = { openJob, withScorer: async () => openJob() } as unknown as WorkDeps;
    const noted: WorkMessage[] = [];
    const deps = {
      work,
      deadLetters: { noteDeadLetter: async (letter: WorkMessage) => void noted.push(letter) },
      logger: { log: (_: string, event: string, fields?: object) => void lines.push({ event, ...fields }) },
      metrics: { write: (more: readonly MetricPoint[]) => void points.push(...more) },
      clock: () => (nowMs += 100),
    };
    await (dead ? consumeDeadLetters : consumeBatch)({ queue: "chunks", messages: [message] }, deps);
    return { points, lines, settled, noted };
  }

  it("tell a settled message, and the log names its job", async () => {
    const { points, lines, settled } = await consume(fail, true, { kind: "plan", jobId: "j", step: 0 });
    expect(settled).toBe("ack");
    expect(points).toMatchObject([{ work: "plan", result: "dead", lagMs: 3_100 }]);
    expect(lines).toEqual([
      expect.objectContaining({ event: "dead_letter", job: "j" }),
      { event: "message_settled", job: "j", work: "plan", attempts: 2 },
    ]);
  });

  it("tell a redelivery with its lag, and the log names job and chunk", async () => {
    const { points, lines, settled } = await consume(fail);
    expect(settled).toBe("retry");
    expect(points).toEqual([
      { kind: "message", work: "score", result: "redelivered", lagMs: 3_100, wallMs: 100, attempts: 2 },
    ]);
    expect(lines).toMatchObject([{ event: "message_failed", job: "j", chunk: "000000000", attempts: 2 }]);
  });

  it("a dead letter is noted at its first delivery, and once", async () => {
    const plan: WorkMessage = { kind: "plan", jobId: "j", step: 0 };
    expect((await consume(fail, true, plan, 1)).noted).toEqual([plan]);
    expect((await consume(fail, true, plan, 2)).noted).toEqual([]);
    expect((await consume(fail, false, plan, 1)).noted).toEqual([]);
  });

  it("tell a dead letter that its own consumer could not handle as redelivered", async () => {
    const { points, lines } = await consume(fail, true);
    expect(points).toMatchObject([{ result: "redelivered" }]);
    expect(lines).toMatchObject([{ event: "dead_letter", job: "j" }, { event: "message_failed" }]);
  });
});

describe("sinks", () => {
  const point: MetricPoint = { kind: "error", code: "image_corrupt", disposition: "item", count: 3 };

  it("write rows to the dataset, and never fail the work", () => {
    const rows: unknown[] = [];
    const events: string[] = [];
    const logger = { log: (_: string, event: string) => void events.push(event) };
    createDatasetMetrics({ writeDataPoint: (row) => void rows.push(row) }, logger).write([point]);
    expect(rows).toEqual([{ indexes: ["error"], blobs: ["error", "image_corrupt", "item"], doubles: [3] }]);
    const broken = {
      writeDataPoint: () => {
        throw new Error("too many points");
      },
    };
    createDatasetMetrics(broken, logger).write([point]);
    expect(events).toEqual(["metrics_failed"]);
  });

  it("write lines to the log where there is no dataset", () => {
    const lines: unknown[] = [];
    createLogMetrics({ log: (level, event, fields) => void lines.push({ level, event, ...fields }) }).write([point]);
    expect(lines).toEqual([
      { level: "info", event: "metric", metric: "error", code: "image_corrupt", disposition: "item", count: 3 },
    ]);
  });
});
