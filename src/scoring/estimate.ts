/**
 * What a job costs, before and after. Prices as Cloudflare publishes them for the Workers Paid plan, without what the plan
 * includes (developers.cloudflare.com: workers/platform/pricing, r2/pricing, queues/platform/pricing). CPU times are measured, docs/benchmarks.md.
 */

/** The numbers that a job's cost follows from. */
export interface EstimateInput {
  readonly inputs: number;
  /** Bytes of all inputs together. */
  readonly bytes: number;
  readonly chunks: number;
  readonly pages: number;
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
  };
  readonly dollars: number;
}

const COSTS = {
  /** One face through the network, ms of CPU. */
  faceMs: 0.7,
  /** One picture through the face detector, ms of CPU. */
  detectMs: 25,
  /** Decoding, ms of CPU for each KiB of JPEG. */
  decodeMsPerKib: 0.06,
  /** Fetch, record and bookkeeping of one input, ms of CPU. */
  overheadMs: 0.3,
  chunkMs: 15,
} as const;

/** Dollars a unit. */
const PRICES = {
  cpuMs: 0.02 / 1e6,
  request: 0.3 / 1e6,
  classA: 4.5 / 1e6,
  classB: 0.36 / 1e6,
  queue: 0.4 / 1e6,
  durableObject: 0.15 / 1e6,
} as const;

/** Operations follow from the protocol: see docs/architecture.md, "A chunk's life". */
export function estimateJob(input: EstimateInput): JobEstimate {
  const faces = input.inputs * (input.tta === "flip" ? 2 : 1);
  const detect = input.findsFaces ? input.inputs * COSTS.detectMs : 0;
  const decode = (input.bytes / 1024) * COSTS.decodeMsPerKib;
  const cpuMs = Math.round(
    faces * COSTS.faceMs + detect + decode + input.inputs * COSTS.overheadMs + input.chunks * COSTS.chunkMs,
  );
  const operations = {
    // A listing and a frozen page; a part; the outputs.
    classA: 2 * input.pages + input.chunks + 10,
    // The inputs; a chunk's lines twice; its part once.
    classB: input.reads + 3 * input.chunks,
    // Each message is written, read and deleted.
    queue: 3 * (input.chunks + input.pages + 2),
    // Lease and report.
    durableObject: 2 * input.chunks + 2 * input.pages + 10,
  };
  const dollars =
    cpuMs * PRICES.cpuMs +
    (input.chunks + input.pages) * PRICES.request +
    operations.classA * PRICES.classA +
    operations.classB * PRICES.classB +
    operations.queue * PRICES.queue +
    operations.durableObject * PRICES.durableObject;
  return { cpuMs, operations, dollars: Math.round(dollars * 1e6) / 1e6 };
}
