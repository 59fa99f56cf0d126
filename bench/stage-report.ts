/** The part of docs/benchmarks.md that says where a job's CPU goes inside the Worker, now and before. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { STEPS, type StageProfile } from "./stages.ts";
import { renderTable } from "./tables.ts";

/** A profile kept for comparison: results/stages-before.json. */
interface EarlierProfile {
  readonly commit: string;
  readonly date: string;
  readonly note: string;
  readonly stages: readonly StageProfile[];
}

function readEarlier(): EarlierProfile {
  const text = readFileSync(join(import.meta.dirname, "results", "stages-before.json"), "utf8");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by stages.ts
  return JSON.parse(text) as EarlierProfile;
}

const KERNEL = "kernel (wasm)";
/** Work below so many microseconds a face in every column is summed up. */
const LEAST = 1;

const format = (microseconds: number | undefined): string => (microseconds ?? 0).toFixed(1);

/** Microseconds a face by kind of work, over all steps. */
function sumWork({ steps }: StageProfile): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { rows } of steps) {
    for (const { work, microseconds } of rows) sums.set(work, (sums.get(work) ?? 0) + microseconds);
  }
  return sums;
}

/** Dollars per million CPU milliseconds on Workers (https://developers.cloudflare.com/workers/platform/pricing/). */
export const DOLLARS_PER_MILLION_CPU_MS = 0.02;

const TOGETHER = "together";
const DOLLARS = "dollars of CPU, a million faces";

function sumStep({ steps }: StageProfile, name: string): string {
  const sum = steps.reduce((total, { isolateMicroseconds }) => total + isolateMicroseconds, 0);
  if (name === TOGETHER) return format(sum);
  if (name === DOLLARS) return `$${((sum / 1000) * DOLLARS_PER_MILLION_CPU_MS).toFixed(4)}`;
  return format(steps.find(({ step }) => step === name)?.isolateMicroseconds);
}

/** Columns in pairs: before, now, for each kind of input. */
function renderPairs(
  first: string,
  names: readonly string[],
  pairs: readonly { readonly kind: string; readonly read: readonly ((name: string) => string)[] }[],
): string {
  const head = [first, ...pairs.flatMap(({ kind }) => [`${kind}: before`, "now"])];
  return renderTable(
    head,
    names.map((name) => [name, ...pairs.flatMap(({ read }) => read.map((value) => value(name)))]),
  );
}

/** Two tables: by step, and by kind of work. */
export function renderStages(stages: readonly StageProfile[]): string {
  const { commit, date, note, stages: earlier } = readEarlier();
  const both = stages.map((now, i) => ({ kind: now.kind, runs: [earlier[i]!, now] }));
  const steps = both.map(({ kind, runs }) => ({ kind, read: runs.map((run) => (name: string) => sumStep(run, name)) }));
  const sums = both.map(({ kind, runs }) => ({ kind, sums: runs.map(sumWork) }));
  const works = sums.map((one) => ({
    kind: one.kind,
    read: one.sums.map((sum) => (name: string) => format(sum.get(name))),
  }));
  const all = [...new Set(sums.flatMap((one) => one.sums.flatMap((sum) => [...sum.keys()])))];
  const largest = (name: string): number =>
    Math.max(...sums.flatMap((one) => one.sums.map((sum) => sum.get(name) ?? 0)));
  const names = all.filter((name) => name !== KERNEL && largest(name) >= LEAST).sort((a, b) => largest(b) - largest(a));
  const faces = stages[0]?.faces ?? 0;
  return `## Where a job's CPU goes

Microseconds of CPU a face in the Worker's isolate, which is what a deployment is billed for: samples of V8's profiler inside local workerd, over
whole jobs of ${faces} faces, without the emulated store. «before»: commit ${commit}, ${date}; ${note} The kernel is the same in both: its row says how
far other programs on the machine stretched a run.

${renderPairs("step", [...STEPS, TOGETHER, DOLLARS], steps)}

${renderPairs("work", [KERNEL, ...names], works)}

«The job's loop» holds a part that is paid once a job: report and bootstrap intervals, about 15 ms, which ${faces} faces share here. Of reading
single objects, most is R2's own \`get\`, native code of workerd that a bare call costs as well; packed inputs share one among a chunk.`;
}
