/** `run.lock.json`: everything needed to say how these labels were made, and to make them again. */

import { countFinished } from "../job/outcome-counts.ts";
import { describeLargeCrops } from "../manifest/large-crops.ts";
import { describeNoFace } from "../records/no-face.ts";
import { readWorkload } from "../job/job-workload.ts";
import { estimateJob } from "../plan/estimate.ts";
import {
  estimateCpuMs,
  estimateMerge,
  estimateRows,
  type JobEstimate,
  type JobWork,
  OPERATIONS_PER_MESSAGE,
  priceJob,
} from "../job/job-cost.ts";
import { describeEmptyInput } from "../manifest/empty-input.ts";
import type { FinalizeContext } from "./finalize-context.ts";
import type { JobStatus } from "../job/job-status.ts";
import type { OutcomeCounts } from "../job/outcome-counts.ts";
import { readMeter } from "../job/job-meter.ts";
import { type JobSpec, shapeOf } from "../job/job-spec.ts";
import { describeOmission } from "../manifest/output-formats.ts";
import { type PipelineVersion, RECORD_SCHEMA, type RecordShape } from "../records/records.ts";

/** Chunks by who finished them, and those that clients let expire or whose records were rejected. A split chunk counts as its parts. */
export interface ChunkCounts {
  readonly edge: number;
  readonly client: number;
  readonly expired: number;
  readonly rejected: number;
}

/** What a job used. */
export interface JobReceipt {
  readonly chunks: ChunkCounts;
  /** Reads of inputs, and their bytes. */
  readonly reads: number;
  readonly readBytes: number;
  /**
   * Operations as they were counted (store, messages, accepted calls of the coordinator), their dollars with those of the CPU. The
   * CPU is estimated from what was read: a Worker cannot read its own; `scripts/measure-receipt.ts` adds it up from tail events.
   */
  readonly cost: JobEstimate;
}

/** `run.lock.json`: everything that the labels depend on, and what they cost. */
export interface RunLock {
  readonly version: 1;
  readonly job: string;
  readonly status: JobStatus;
  readonly retryOf: string | null;
  /** The run of a schedule that the job was, and the job from which it took the records of unchanged objects; absent for other jobs. */
  readonly schedule?: {
    readonly id: string;
    readonly dueAt: string;
    readonly carriedFrom: string | null;
    readonly baseline: string | null;
  };
  /** Set if records were erased, so that these outputs replace others. Counts and estimate are about what is left, reads about what was scored. */
  readonly generation?: { readonly number: number; readonly replaces: number };
  readonly createdAt: string;
  readonly finishedAt: string;
  /** The hash is of the manifest as it was sent; of the webhook's address, `content` has the origin alone. */
  readonly manifest: { readonly sha256: string; readonly content: JobSpec["manifest"] };
  /**
   * `sha256` is of the weights, `form` of all that the card says of scores, graph and labels included (`hashScoring`), `card` of the whole
   * card, from which the report quotes (`hashCard`).
   */
  readonly model: { readonly id: string; readonly sha256: string; readonly form?: string; readonly card?: string };
  /** The form of a record's line, the names in its `probabilities` in the model's order, and whether it holds an embedding. */
  readonly records: RecordShape & { readonly schema: typeof RECORD_SCHEMA };
  /** Version of the preprocessing. */
  readonly pipeline: PipelineVersion;
  /** Weights and search version of what found the faces; `null` where pictures were taken as they are. */
  readonly faceFinder: string | null;
  /** Backends of clients stand as `client:<name>`. */
  readonly engines: readonly string[];
  /** What decoded pictures besides this package, `sharp@` or `libheif-js@` and its version: records name it too. Absent: nothing. */
  readonly decoders?: readonly string[];
  readonly counts: { readonly listed: number; readonly records: number; readonly outcomes: OutcomeCounts };
  /** What the job asked for and could not get, or that its input was empty, in sentences. */
  readonly warnings: readonly string[];
  /** What was counted. */
  readonly receipt: JobReceipt;
  /** What the same inputs were expected to take, as a dry run estimates it. */
  readonly estimate: JobEstimate;
}

/** The lock of a job that is being finalized. */
export function buildRunLock(context: FinalizeContext, status: JobStatus, finishedMs: number): RunLock {
  const { spec, state } = context;
  const { manifest } = spec;
  const meter = readMeter(state);
  return {
    version: 1,
    job: spec.id,
    status,
    retryOf: spec.retryOf,
    ...describeRun(spec),
    ...(context.generation && { generation: context.generation }),
    createdAt: new Date(state.createdMs).toISOString(),
    finishedAt: new Date(finishedMs).toISOString(),
    manifest: { sha256: spec.manifestSha256, content: withoutSecrets(manifest) },
    model: {
      id: spec.model,
      sha256: spec.modelSha256,
      ...(spec.modelForm !== undefined && { form: spec.modelForm }),
      ...(spec.card !== undefined && { card: spec.card.hash }),
    },
    records: { schema: RECORD_SCHEMA, ...shapeOf(spec) },
    pipeline: spec.pipeline,
    faceFinder: spec.faceFinder ?? null,
    engines: state.engines,
    ...(state.decoders !== undefined && { decoders: state.decoders }),
    counts: { listed: state.listed, records: state.records, outcomes: state.outcomes },
    warnings: [
      state.plan.status === "done" ? describeEmptyInput(manifest, state.listed) : null,
      state.plan.status === "done" ? describeLargeCrops(manifest, state.listed, state.listedBytes) : null,
      describeNoFace(state.outcomes.no_face, countFinished(state.outcomes)),
      describeOmission(manifest.output, state.records, context.limits),
    ].filter((one) => one !== null),
    receipt: buildReceipt(context),
    estimate: estimateJob({
      ...describeWork(context),
      bytes: state.listedBytes,
      chunks: meter.plannedChunks,
      pages: state.pages,
      packed: manifest.format !== "image",
      reads: meter.plannedReads,
    }),
  };
}

/** Receivers put tokens into the path and the query of their addresses: outputs are read by more people than may write to them. */
function withoutSecrets(manifest: JobSpec["manifest"]): JobSpec["manifest"] {
  const { notify } = manifest;
  return notify === undefined ? manifest : { ...manifest, notify: { ...notify, url: new URL(notify.url).origin } };
}

function describeRun({ schedule }: JobSpec): Pick<RunLock, "schedule"> {
  if (schedule === undefined) return {};
  const { scheduleId: id, dueMs, previousJobId: carriedFrom, baselineJobId: baseline } = schedule;
  return { schedule: { id, dueAt: new Date(dueMs).toISOString(), carriedFrom, baseline } };
}

function describeWork({ spec, state }: FinalizeContext): Pick<JobWork, "inputs" | "tta" | "faces" | "faceWork"> {
  return { inputs: state.listed, ...readWorkload(spec) };
}

/** Counted up to the end of scoring; merging, which writes this, is estimated. */
function buildReceipt(context: FinalizeContext): JobReceipt {
  const { spec, state } = context;
  const meter = readMeter(state);
  // Comparing reads the previous run once more: about one part per chunk.
  const comparing = (spec.schedule?.previousJobId ?? null) === null ? 0 : state.chunks.done;
  const merge = estimateMerge(state.listed, state.chunks.done);
  const messages = meter.messages + merge.steps - 1;
  const cpuMs = estimateCpuMs({ ...describeWork(context), bytes: state.readBytes, chunks: state.chunks.done });
  return {
    chunks: countChunks(state),
    reads: state.reads,
    readBytes: state.readBytes,
    cost: priceJob(cpuMs, messages, {
      classA: meter.planning.writes + meter.scoring.writes + merge.operations.writes,
      classB: meter.planning.reads + meter.scoring.reads + merge.operations.reads + comparing,
      queue: OPERATIONS_PER_MESSAGE * messages,
      durableObject: meter.calls + 2 * merge.steps,
      rowsWritten: estimateRows(state.chunks.done, state.pages),
    }),
  };
}

function countChunks({ chunks, clientChunks }: FinalizeContext["state"]): ChunkCounts {
  const { done, expired, rejected } = clientChunks ?? { done: 0, expired: 0, rejected: 0 };
  return { edge: chunks.done - done, client: done, expired, rejected };
}
