/**
 * The CPU that a job really took, from the account's own records, beside its receipt and its estimate:
 *
 *     npx wrangler tail --env production --format json > tail.json     # while the job runs
 *     node scripts/measure-receipt.ts run.lock.json < tail.json
 *
 * Also takes what Logpush writes (dataset `workers_trace_events`). A Worker cannot read its own CPU time; each invocation's record has
 * it, and the line `message_settled` in its log says for which job it worked.
 */

import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { type JobEstimate, priceJob } from "../src/scoring/job/job-cost.ts";

/** An invocation as `wrangler tail` and Logpush tell of it (workers-types, TraceItem; Logpush, Workers Trace Events). */
const invocationShape = z.union([
  z
    .object({ cpuTime: z.number(), logs: z.array(z.object({ message: z.unknown() })) })
    .transform(({ cpuTime, logs }) => ({ cpuMs: cpuTime, lines: logs.map(({ message }) => message) })),
  z
    .object({ CPUTimeMs: z.number(), Logs: z.array(z.object({ Message: z.unknown() })) })
    .transform(({ CPUTimeMs, Logs }) => ({ cpuMs: CPUTimeMs, lines: Logs.map(({ Message }) => Message) })),
]);
const lineShape = z.object({ event: z.literal("message_settled"), fields: z.object({ job: z.string() }) });
const costShape = z.object({
  cpuMs: z.number(),
  operations: z.object({
    classA: z.int(),
    classB: z.int(),
    queue: z.int(),
    durableObject: z.int(),
    rowsWritten: z.int(),
  }),
  dollars: z.number(),
});
const lockShape = z.object({ job: z.string(), receipt: z.object({ cost: costShape }), estimate: costShape });

/** CPU of a job's consumers, and how many invocations it was seen in. */
export interface MeasuredCpu {
  readonly cpuMs: number;
  readonly invocations: number;
}

/** Adds up a job's invocations. @param records JSON documents one after another, on one line each or on many */
export function addUpCpu(records: string, job: string): MeasuredCpu {
  let cpuMs = 0;
  let invocations = 0;
  for (const document of splitDocuments(records)) {
    const parsed = invocationShape.safeParse(document);
    if (!parsed.success || !parsed.data.lines.some((line) => namesJob(line, job))) continue;
    cpuMs += parsed.data.cpuMs;
    invocations += 1;
  }
  return { cpuMs, invocations };
}

/** The receipt with the measured CPU in place of the estimated one. */
export function priceMeasured(receipt: JobEstimate, measured: MeasuredCpu): JobEstimate {
  return priceJob(measured.cpuMs, measured.invocations, receipt.operations);
}

/** A document ends where its last brace closes at the start of a line, or with its line. */
function splitDocuments(records: string): unknown[] {
  const documents: unknown[] = [];
  let held = "";
  for (const line of records.split("\n")) {
    held += `${line}\n`;
    if (!line.startsWith("}") && !(line.startsWith("{") && line.trimEnd().endsWith("}"))) continue;
    try {
      documents.push(JSON.parse(held));
    } catch {
      // A document that is cut off at either end of a recording.
    }
    held = "";
  }
  return documents;
}

/** A log line is a list of what `console.log` was given; ours is one JSON text. */
function namesJob(line: unknown, job: string): boolean {
  const texts = Array.isArray(line) ? line : [line];
  return texts.some((one) => {
    if (typeof one !== "string" || !one.includes("message_settled")) return false;
    try {
      const parsed = lineShape.safeParse(JSON.parse(one));
      return parsed.success && parsed.data.fields.job === job;
    } catch {
      return false;
    }
  });
}

if (import.meta.main) {
  const [path] = process.argv.slice(2);
  if (path === undefined) throw new Error("usage: node scripts/measure-receipt.ts run.lock.json < tail.json");
  const lock = lockShape.parse(JSON.parse(await readFile(path, "utf8")));
  const measured = addUpCpu(await text(process.stdin), lock.job);
  const rows = {
    estimate: lock.estimate,
    receipt: lock.receipt.cost,
    measured: priceMeasured(lock.receipt.cost, measured),
  };
  process.stdout.write(`${JSON.stringify({ job: lock.job, invocations: measured.invocations, ...rows }, null, 2)}\n`);
}
