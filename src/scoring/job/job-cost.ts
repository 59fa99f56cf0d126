/**
 * What the work of a job costs: prices as Cloudflare publishes them for the Workers Paid plan, without what the plan includes
 * (developers.cloudflare.com: workers/platform/pricing, r2/pricing, queues/platform/pricing, durable-objects/platform/pricing). CPU
 * times are measured: docs/benchmarks.md, docs/scale.md.
 */

import type { StoreOperations } from "../../storage/metered-store.ts";
import { LIMITS } from "../limits.ts";
import type { FaceMode } from "../records/face-mode.ts";
import { readMeter } from "./job-meter.ts";
import type { JobSpec } from "./job-spec.ts";
import { readWorkload, type Workload } from "./job-workload.ts";
import type { JobState } from "./job-state.ts";
import { countFinished } from "./outcome-counts.ts";

/** What consumers compute. */
export interface JobWork extends Workload {
  readonly inputs: number;
  /** Bytes of all inputs together. */
  readonly bytes: number;
  readonly chunks: number;
}

/** Operations, CPU and dollars of a job, estimated. */
export interface JobEstimate {
  readonly cpuMs: number;
  readonly operations: {
    /** Writes and listings of the store. */
    readonly classA: number;
    /** Reads of the store. */
    readonly classB: number;
    readonly queue: number;
    readonly durableObject: number;
    /** Rows that the coordinator writes, calculated. */
    readonly rowsWritten: number;
  };
  readonly dollars: number;
}

const COSTS = {
  /** Around the network of one face, and for a million of its multiply-adds, ms of CPU: with the rest 66 s for the job of docs/scale.md, which took 60. */
  faceMs: 0.15,
  workMs: 0.025,
  /** One picture through the face finder, ms of CPU: its largest face, which ends the search once it is sure, or all of them. docs/faces.md */
  searchMs: { aligned: 0, auto: 9, largest: 9, all: 48 } satisfies Record<FaceMode, number>,
  /** Bytes of a picture that `auto` takes as the crop that it is, on average: JPEG and PNG of 96 pixels have no more. */
  cropBytes: 8192,
  /** Decoding, ms of CPU per KiB of JPEG. */
  decodeMsPerKib: 0.06,
  /** Fetch, record and bookkeeping of one input, ms of CPU. */
  overheadMs: 0.3,
  chunkMs: 15,
} as const;

/**
 * Rows that a coordinator's SQLite writes, entries of indexes among them, from planning to the end (test/workerd/rows-written.test.ts
 * measures them in workerd).
 */
export const ROWS_WRITTEN = { chunk: 16, page: 3, job: 20 } as const;
/** A message is written, read and deleted (Queues pricing). */
export const OPERATIONS_PER_MESSAGE = 3;

/** Dollars per unit. */
const PRICES = {
  cpuMs: 0.02 / 1e6,
  request: 0.3 / 1e6,
  classA: 4.5 / 1e6,
  classB: 0.36 / 1e6,
  queue: 0.4 / 1e6,
  durableObject: 0.15 / 1e6,
  rowWritten: 1 / 1e6,
} as const;

/** Multiply-adds of the published network for one face. */
const PUBLISHED_WORK = 3.92e6;

/** CPU of the consumers, ms. */
export function estimateCpuMs(input: JobWork): number {
  const passes = input.inputs * (input.tta === "flip" ? 2 : 1);
  const faceMs = COSTS.faceMs + ((input.faceWork ?? PUBLISHED_WORK) / 1e6) * COSTS.workMs;
  const areCrops = input.faces === "auto" && input.bytes <= input.inputs * COSTS.cropBytes;
  const search = areCrops ? 0 : input.inputs * COSTS.searchMs[input.faces];
  const decode = (input.bytes / 1024) * COSTS.decodeMsPerKib;
  return Math.round(passes * faceMs + search + decode + input.inputs * COSTS.overheadMs + input.chunks * COSTS.chunkMs);
}

/** Dollars, as far as the operations are known. @param requests invocations of the Worker: one per message */
export function priceJob(cpuMs: number, requests: number, operations: JobEstimate["operations"]): JobEstimate {
  const dollars =
    cpuMs * PRICES.cpuMs +
    requests * PRICES.request +
    operations.classA * PRICES.classA +
    operations.classB * PRICES.classB +
    operations.queue * PRICES.queue +
    operations.durableObject * PRICES.durableObject +
    operations.rowsWritten * PRICES.rowWritten;
  return { cpuMs, operations, dollars: Math.round(dollars * 1e6) / 1e6 };
}

/** Bytes of one record in JSONL and CSV together, for the parts of their uploads. */
const MERGED_BYTES = 1000;

/** What the end of the job asks of the stores. It is not over when the receipt is written, so it is calculated there too. */
export function estimateMerge(
  inputs: number,
  chunks: number,
): { readonly steps: number; readonly operations: StoreOperations } {
  const steps = Math.max(1, Math.ceil(chunks / LIMITS.maxChunksPerFinalizeStep));
  // Each step but the last leaves a state, a buffer for each of six outputs, and what the Parquet file's encoder holds.
  const carried = 8 * (steps - 1);
  const parts = Math.ceil((inputs * MERGED_BYTES) / LIMITS.multipartBytes);
  // A chunk's lines and its part; the outputs.
  return { steps: steps + 1, operations: { reads: 2 * chunks + carried, writes: 10 + parts + carried } };
}

/** Rows that a job's coordinator writes in its life. @param received inputs that came into an open job, a row each */
export function estimateRows(chunks: number, pages: number, received = 0): number {
  return ROWS_WRITTEN.chunk * chunks + ROWS_WRITTEN.page * pages + ROWS_WRITTEN.job + received;
}

/** What a job has cost so far: counted operations, and CPU estimated from what was read. Merging its outputs comes on top. */
export function priceSoFar(state: JobState, spec: Pick<JobSpec, "manifest" | "faceWork">): JobEstimate {
  const meter = readMeter(state);
  const work = { inputs: countFinished(state.outcomes), bytes: state.readBytes, chunks: state.chunks.done };
  const cpuMs = estimateCpuMs({ ...work, ...readWorkload(spec) });
  return priceJob(cpuMs, meter.messages, {
    classA: meter.planning.writes + meter.scoring.writes,
    classB: meter.planning.reads + meter.scoring.reads,
    queue: OPERATIONS_PER_MESSAGE * meter.messages,
    durableObject: meter.calls,
    rowsWritten: estimateRows(state.chunks.done, state.pages, state.open?.received),
  });
}
