/** What listing packed faces takes, measured with the real code over a store in memory: for scripts/simulate-dataset.ts. */

import { packTar } from "modern-tar";
import { createJob } from "../src/scoring/job/job-machine.ts";
import { makeRules } from "../src/scoring/job/job-rules.ts";
import type { JobSpec } from "../src/scoring/job/job-spec.ts";
import type { JobState } from "../src/scoring/job/job-state.ts";
import type { RangeRow } from "../src/scoring/job/range-row.ts";
import { jobFolder, scanKey } from "../src/scoring/keys.ts";
import { LIMITS } from "../src/scoring/limits.ts";
import { parseManifest } from "../src/scoring/manifest/manifest.ts";
import { planInputPage } from "../src/scoring/plan/plan-page.ts";
import { splitInput } from "../src/scoring/plan/split-input.ts";
import { runScanStep } from "../src/scoring/work/scan-step.ts";
import { takeRanges } from "../src/scoring/work/take-ranges.ts";
import { createMemoryStore } from "../src/storage/memory-store.ts";
import { type MeteredStore, meterStore } from "../src/storage/metered-store.ts";

/** Faces of one shard. */
export const SHARD = 5000;

/** A job over shards, with a data set. */
export function makeSimulatedSpec(): JobSpec {
  const manifest = parseManifest(
    {
      input: { store: "faces", prefix: "in/" },
      format: "tar",
      faces: "aligned",
      output: { store: "faces", prefix: "out/", formats: ["jsonl", "parquet"], layout: "dataset" },
    },
    new Map([["faces", { versions: false }]]),
    () => true,
  );
  const made = { createdMs: 0, manifestSha256: "0".repeat(64), retryOf: null, owner: null };
  return { id: "job", manifest, model: "deep-emotion@3", modelSha256: "0".repeat(64), pipeline: 3, ...made };
}

/** For what is not asked. */
export function refuse(): never {
  throw new Error("nobody asks for this");
}

/** CPU and calls of listing a page of 1,000 members of a shard, and of the planning step that takes the ranges, for each chunk. */
export async function measurePlanning() {
  const inner = createMemoryStore();
  const store = meterStore(inner);
  const body = new Uint8Array(1134);
  const members = Array.from({ length: SHARD }, (_, at) => ({
    header: { name: `faces/${String(at).padStart(9, "0")}.jpg`, size: body.length, type: "file" as const },
    body,
  }));
  for (const shard of ["a", "b", "c", "d"]) await inner.put(`in/${shard}.tar`, await packTar(members));
  const spec = makeSimulatedSpec();
  const key = scanKey(jobFolder("out", spec.id), 1);
  const input = { kind: "prefix", format: "tar", prefix: "in/" } as const;
  const first = await planInputPage(inner, input, null, LIMITS.plan);
  const ranges = await splitInput({ store: inner, listStore: inner }, input, first.cursor!, LIMITS);
  await inner.put(key, ranges.map((range) => `${JSON.stringify(range)}\n`).join(""));
  const created = createJob("job", makeRules(spec, LIMITS), 0).state;
  const scan = { key, total: ranges.length, begun: 0, ready: 0, ahead: [], taken: 0, rest: false };
  const state: JobState = { ...created, scan };
  const deps = {
    limits: LIMITS,
    openStore: () => store,
    openJob: () => refuse(),
    withScorer: () => refuse(),
    readCard: () => refuse(),
  };
  const listed = await measure(store, async () => {
    const rows: RangeRow[] = [];
    for (const [number] of ranges.entries()) {
      const task = { step: 0, status: "leased", attempt: 1, dueMs: 0 } as const;
      let range: RangeRow = { number, task, checkpoint: null };
      for (let step = 0; ; step++) {
        const { checkpoint, done } = await runScanStep(deps, { spec, state, range, step, attempt: 1 });
        range = { ...range, checkpoint };
        if (done) break;
      }
      rows.push(range);
    }
    return rows;
  });
  const at = { spec, step: 2, attempt: 1, cursor: null, firstIndex: 1000, firstPage: 1 };
  const ticket = { ...at, scan: { key, total: ranges.length, taken: 0, ready: listed.result } };
  const taken = await measure(store, () => takeRanges(deps, ticket));
  const pages = taken.result.pageKeys.length;
  return {
    cpuMs: listed.cpuMs / pages,
    calls: listed.calls / pages,
    takeCpuMs: taken.cpuMs / taken.result.chunks.length,
  };
}

/** What `body` gives, its CPU, and its calls of the store. */
async function measure<T>(store: MeteredStore, body: () => Promise<T>) {
  const before = { cpu: process.cpuUsage(), ...store.operations() };
  const result = await body();
  const cpu = process.cpuUsage(before.cpu);
  const { reads, writes } = store.operations();
  return {
    result,
    cpuMs: (cpu.user + cpu.system) / 1000,
    calls: reads + writes - before.reads - before.writes,
  };
}
