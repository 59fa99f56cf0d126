/** Where a job's CPU goes inside workerd, from the store to the outputs, by step and by what is done in it. */

import { join } from "node:path";
import { Miniflare } from "miniflare";
import { connectProfiler, type FunctionTime } from "./inspector.ts";
import type { JobInput } from "./job-inputs.ts";
import { listWorkerdProcesses, readThreadClock } from "./process-clock.ts";
import { quantile } from "./timing.ts";
import { bundleWorker } from "./worker-bundle.ts";

/** The steps of a job, in their order. */
export const STEPS = ["plan", "score", "finalize"] as const;
export type Step = (typeof STEPS)[number];

/** Time of one kind of work, microseconds a face. */
export interface WorkTime {
  readonly work: string;
  readonly microseconds: number;
}

/** One step of one kind of job. */
export interface StepProfile {
  readonly step: Step;
  /** CPU of the whole process, the local object store's included, microseconds a face; median of the jobs. */
  readonly processMicroseconds: number;
  /** Samples of the Worker's isolate alone: what a deployment is billed for. */
  readonly isolateMicroseconds: number;
  readonly rows: readonly WorkTime[];
  /** The functions that took most, for reading. */
  readonly functions: readonly WorkTime[];
}

/** One kind of input. */
export interface StageProfile {
  readonly kind: string;
  readonly faces: number;
  readonly steps: readonly StepProfile[];
}

/** First match wins; `path` is that of the source file in the bundle. */
const WORK: readonly (readonly [work: string, path: RegExp])[] = [
  ["around the kernel", /src\/backends\//],
  ["decoding, around the decoder", /src\/image\/(?!preprocess|resample)/],
  ["preprocessing", /src\/image\//],
  ["pixels out of text", /fer-pixels/],
  ["finding rows and members", /inputs\/(lines|fer2013|tar|csv|object-entries|list-entries|parse-entry|page-builder)/],
  ["reading (store, retries, bodies)", /src\/storage\/|inputs\/(item-reader|read-item|range-reader)/],
  ["records as text", /labels-jsonl|scoring\/part\.ts|scoring\/plan\.ts|stored-json|errors-jsonl/],
  ["CSV", /labels-csv|record-columns|csv-stringify/],
  ["hash of the outputs", /sha256|part-buffer/],
  ["aggregates", /scoring\/summary/],
  ["verdict and quality", /score-record|softmax/],
  ["the job's loop", /src\/scoring\//],
];

/** What the runtime itself does, by the function's name. */
const NATIVE: readonly (readonly [work: string, name: RegExp])[] = [
  [
    "reading (store, retries, bodies)",
    /^(arrayBuffer|get|head|list|get (size|etag|key|body)|read|getReader|ReadableStream|close|enqueue|cancel)$/,
  ],
  ["writing", /^(put|uploadPart|complete|createMultipartUpload|delete)$/],
  ["digest of parts", /^digest$/],
  ["records as text", /^(encode|decode|TextEncoder|TextDecoder|stringify|parse)$/],
  ["kernel (wasm)", /^wasm-to-js$/],
  ["garbage collection", /garbage/],
];

/** A module is known by its number of functions: the kernel has 20, libjpeg-turbo hundreds. */
const KERNEL_FUNCTIONS = 60;

function nameWork({ name, path }: FunctionTime, wasmSizes: ReadonlyMap<string, number>): string {
  const size = wasmSizes.get(path);
  if (size !== undefined) return size < KERNEL_FUNCTIONS ? "kernel (wasm)" : "JPEG decoder (wasm)";
  if (path === "") return NATIVE.find(([, pattern]) => pattern.test(name))?.[0] ?? "the rest of the runtime";
  return WORK.find(([, pattern]) => pattern.test(path))?.[0] ?? "the rest";
}

function rank(table: ReadonlyMap<string, number>): WorkTime[] {
  const rows = [...table].map(([work, microseconds]) => ({ work, microseconds }));
  return rows.sort((a, b) => b.microseconds - a.microseconds);
}

function summarize(
  functions: readonly FunctionTime[],
  faces: number,
): Omit<StepProfile, "step" | "processMicroseconds"> {
  const wasmSizes = new Map<string, number>();
  for (const { name, path } of functions) {
    const index = Number(/\[(\d+)\]$/.exec(name)?.[1] ?? 0);
    if (path.startsWith("wasm:")) wasmSizes.set(path, Math.max(index, wasmSizes.get(path) ?? 0));
  }
  const table = new Map<string, number>();
  for (const one of functions) {
    const work = nameWork(one, wasmSizes);
    table.set(work, (table.get(work) ?? 0) + one.microseconds / faces);
  }
  const top = functions.slice(0, 25);
  return {
    isolateMicroseconds: functions.reduce((sum, { microseconds }) => sum + microseconds, 0) / faces,
    rows: rank(table),
    functions: top.map(({ name, path, microseconds }) => ({
      work: `${name} ${path}`,
      microseconds: microseconds / faces,
    })),
  };
}

/** Runs the job `jobs` times for the clock, then `jobs` times under the profiler. */
export async function profileStages(input: JobInput, jobs: number): Promise<StageProfile> {
  const { kind, faces, objects, manifest } = input;
  const worker = await bundleWorker(join(import.meta.dirname, "stage-worker.ts"));
  const before = listWorkerdProcesses();
  const miniflare = new Miniflare({
    inspectorPort: 0,
    workers: [
      {
        config: {
          name: "stages",
          compatibilityDate: "2026-04-01",
          compatibilityFlags: [],
          manifest: worker,
          env: { FACES: { type: "r2", name: "faces" } },
        },
      },
    ],
  });
  try {
    const ask = async (path: string, method: string, body?: Buffer | string): Promise<string> => {
      const answer = await miniflare.dispatchFetch(`http://worker/${path}`, {
        method,
        ...(body === undefined ? {} : { body }),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(text);
      return text;
    };
    for (const [key, bytes] of objects) await ask(key, "PUT", Buffer.from(bytes));
    const pids = listWorkerdProcesses().filter((pid) => !before.includes(pid));
    const runJob = async (around: (step: Step, run: () => Promise<void>) => Promise<void>): Promise<void> => {
      await ask("start", "POST", JSON.stringify(manifest));
      let end = "";
      for (const step of STEPS) {
        await around(step, async () => {
          end = await ask(step, "POST");
        });
      }
      if (end !== JSON.stringify({ status: "completed", records: faces })) throw new Error(`${kind}: ${end}`);
    };
    await runJob((_, run) => run());
    const times = new Map<Step, number[]>(STEPS.map((step) => [step, []]));
    for (let i = 0; i < jobs; i++) {
      await runJob(async (step, run) => {
        const start = readThreadClock(pids);
        await run();
        times.get(step)!.push(readThreadClock(pids) - start);
      });
    }
    const code = worker.modules[worker.mainModule]?.contents;
    const port = Number((await miniflare.getInspectorURL()).port);
    const profile = await connectProfiler(port, typeof code === "string" ? code : "");
    const functions = new Map<Step, FunctionTime[]>(STEPS.map((step) => [step, []]));
    for (let i = 0; i < jobs; i++) {
      await runJob(async (step, run) => void functions.get(step)!.push(...(await profile(run))));
    }
    return {
      kind,
      faces,
      steps: STEPS.map((step) => ({
        step,
        processMicroseconds: (1000 * quantile(times.get(step)!, 0.5)) / faces,
        ...summarize(joinTimes(functions.get(step)!), faces * jobs),
      })),
    };
  } finally {
    await miniflare.dispose();
  }
}

function joinTimes(times: readonly FunctionTime[]): FunctionTime[] {
  const joined = new Map<string, FunctionTime>();
  for (const { name, path, microseconds } of times) {
    const key = `${name} ${path}`;
    joined.set(key, { name, path, microseconds: microseconds + (joined.get(key)?.microseconds ?? 0) });
  }
  return [...joined.values()].sort((a, b) => b.microseconds - a.microseconds);
}
