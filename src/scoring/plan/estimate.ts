/**
 * What a job costs, before and after. Prices as Cloudflare publishes them for the Workers Paid plan, without what the plan
 * includes (developers.cloudflare.com: workers/platform/pricing, r2/pricing, queues/platform/pricing, durable-objects/platform/pricing). CPU times are measured: docs/benchmarks.md, docs/scale.md.
 */

import type { StoreOperations } from "../../storage/metered-store.ts";
import { LIMITS } from "../limits.ts";

/** The numbers that a job's cost follows from. */
export interface EstimateInput {
  readonly inputs: number;
  /** Bytes of all inputs together. */
  readonly bytes: number;
  readonly chunks: number;
  /** Frozen pages of the input. */
  readonly pages: number;
  /** Whether the inputs lie in tar shards or tables, which planning reads window by window. */
  readonly packed: boolean;
  /** Reads of inputs: fewer than inputs where shards hold many. */
  readonly reads: number;
  readonly tta: "none" | "flip";
  readonly findsFaces: boolean;
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
  /** One face through the network of the default model, ms of CPU. With the others it makes 66 s for the job of docs/scale.md, which took 60. */
  faceMs: 0.25,
  /** One picture through the face detector, ms of CPU. */
  detectMs: 25,
  /** Decoding, ms of CPU per KiB of JPEG. */
  decodeMsPerKib: 0.06,
  /** Fetch, record and bookkeeping of one input, ms of CPU. */
  overheadMs: 0.3,
  chunkMs: 15,
} as const;

/** Bytes of one record in JSONL and CSV together, for the parts of their uploads. */
const MERGED_BYTES = 1000;
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

/** What planning asks of the stores: a listing and a frozen page per page; for packed inputs, their windows. */
function estimatePlanning({ pages, packed, bytes }: EstimateInput): StoreOperations {
  return { writes: 2 * pages, reads: packed ? pages + Math.ceil(bytes / LIMITS.plan.windowBytes) : 0 };
}

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

/** CPU of the consumers, ms. */
export function estimateCpuMs(
  input: Pick<EstimateInput, "inputs" | "bytes" | "chunks" | "tta" | "findsFaces">,
): number {
  const faces = input.inputs * (input.tta === "flip" ? 2 : 1);
  const detect = input.findsFaces ? input.inputs * COSTS.detectMs : 0;
  const decode = (input.bytes / 1024) * COSTS.decodeMsPerKib;
  return Math.round(
    faces * COSTS.faceMs + detect + decode + input.inputs * COSTS.overheadMs + input.chunks * COSTS.chunkMs,
  );
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

/** Operations follow from the protocol: docs/architecture.md, "One job, step by step". */
export function estimateJob(input: EstimateInput): JobEstimate {
  const { chunks, reads } = input;
  const planSteps = Math.ceil(input.pages / LIMITS.maxPagesPerPlanStep);
  const planning = estimatePlanning(input);
  const merge = estimateMerge(input.inputs, chunks);
  const messages = planSteps + chunks + merge.steps;
  return priceJob(estimateCpuMs(input), messages, {
    // One part per chunk.
    classA: planning.writes + chunks + merge.operations.writes,
    // The inputs, and each chunk's lines.
    classB: planning.reads + reads + chunks + merge.operations.reads,
    queue: OPERATIONS_PER_MESSAGE * messages,
    // Lease and report.
    durableObject: 2 * messages,
    rowsWritten: estimateRows(chunks, input.pages),
  });
}

/** Rows that a job's coordinator writes in its life. */
export function estimateRows(chunks: number, pages: number): number {
  return ROWS_WRITTEN.chunk * chunks + ROWS_WRITTEN.page * pages + ROWS_WRITTEN.job;
}
