import { expect, it } from "vitest";
import { addUpCpu, priceMeasured } from "../../../scripts/measure-receipt.ts";

/** CPU of a job out of the account's records, in the two forms in which they come. */

const settled = (job: string): string =>
  JSON.stringify({ level: "info", event: "message_settled", fields: { job, work: "score", attempts: 1 } });
const tail = (cpuTime: number, lines: readonly string[]): unknown => ({
  outcome: "ok",
  scriptName: "countenance",
  cpuTime,
  wallTime: 900,
  logs: lines.map((line) => ({ message: [line], level: "log", timestamp: 1 })),
  event: { queue: "chunks", batchSize: 1 },
});
const record = (CPUTimeMs: number, job: string): string =>
  JSON.stringify({ EventType: "queue", CPUTimeMs, Logs: [{ Level: "log", Message: [settled(job)] }] });
const pretty = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

it("adds up a job's invocations out of `wrangler tail --format json`, and no other's", () => {
  const own = [120, 80].map((cpuTime) => tail(cpuTime, ['{"event":"job_status"}', settled("a")]));
  const others = [tail(1000, [settled("b")]), tail(500, ["a text"]), tail(400, ['{"event":"audit","job":"a"}'])];
  const records = [...own, ...others].map(pretty).join("");
  expect(addUpCpu(records, "a")).toEqual({ cpuMs: 200, invocations: 2 });
  // A recording that begins and ends within a record.
  expect(addUpCpu(records.slice(20), "a")).toEqual({ cpuMs: 80, invocations: 1 });
  expect(addUpCpu(`${records}{"outcome": "ok",`, "a")).toEqual({ cpuMs: 200, invocations: 2 });
});

it("adds up what Logpush wrote, one record per line", () => {
  expect(addUpCpu(`${record(30, "a")}\n${record(7, "b")}\n${record(12, "a")}\n`, "a")).toEqual({
    cpuMs: 42,
    invocations: 2,
  });
});

it("prices the measured CPU with the counted operations", () => {
  const operations = { classA: 10, classB: 1_000_000, queue: 30, durableObject: 20, rowsWritten: 40 };
  const receipt = { cpuMs: 5_000_000, operations, dollars: 1 };
  const measured = priceMeasured(receipt, { cpuMs: 1_000_000, invocations: 10 });
  expect(measured).toMatchObject({ cpuMs: 1_000_000, operations });
  // A million milliseconds and a million reads.
  expect(measured.dollars).toBeCloseTo(0.02 + 0.36, 3);
});
