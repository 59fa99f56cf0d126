/** `run.lock.json`: everything needed to say how these labels were made, and to make them again. */

import { estimateJob, type JobEstimate } from "./estimate.ts";
import type { FinalizeContext } from "./finalize-merge.ts";
import type { JobStatus, OutcomeCounts } from "./job-state.ts";
import type { JobSpec } from "./job-spec.ts";
import type { PipelineVersion } from "./records.ts";

/** Chunks by who finished them, and those that clients let expire or that were rejected. A split chunk counts as its parts. */
export interface ChunkCounts {
  readonly edge: number;
  readonly client: number;
  readonly expired: number;
  readonly rejected: number;
}

/** `run.lock.json`: everything that the labels depend on, and what they cost. */
export interface RunLock {
  readonly version: 1;
  readonly job: string;
  readonly status: JobStatus;
  readonly retryOf: string | null;
  readonly createdAt: string;
  readonly finishedAt: string;
  readonly manifest: { readonly sha256: string; readonly content: JobSpec["manifest"] };
  readonly model: { readonly id: string; readonly sha256: string };
  /** Version of the preprocessing. */
  readonly pipeline: PipelineVersion;
  /** Backends of clients stand as `client:<name>`. */
  readonly engines: readonly string[];
  readonly counts: { readonly listed: number; readonly records: number; readonly outcomes: OutcomeCounts };
  /** What was counted (chunks by who finished them, and those that came back from clients), priced like the estimate; and the estimate for the same inputs. */
  readonly receipt: {
    readonly chunks: ChunkCounts;
    readonly reads: number;
    readonly readBytes: number;
    readonly cost: JobEstimate;
  };
  readonly estimate: JobEstimate;
}

/** The lock of a job that is being finalised. */
export function buildRunLock(context: FinalizeContext, status: JobStatus, finishedMs: number): RunLock {
  const { spec, state } = context;
  const { manifest } = spec;
  const common = { inputs: state.listed, tta: manifest.tta, findsFaces: manifest.faces !== "aligned" } as const;
  return {
    version: 1,
    job: spec.id,
    status,
    retryOf: spec.retryOf,
    createdAt: new Date(state.createdMs).toISOString(),
    finishedAt: new Date(finishedMs).toISOString(),
    manifest: { sha256: spec.manifestSha256, content: manifest },
    model: { id: spec.model, sha256: spec.modelSha256 },
    pipeline: spec.pipeline,
    engines: state.engines,
    counts: { listed: state.listed, records: state.records, outcomes: state.outcomes },
    receipt: {
      chunks: countChunks(state),
      reads: state.reads,
      readBytes: state.readBytes,
      cost: estimateJob({
        ...common,
        bytes: state.readBytes,
        chunks: state.chunks.done,
        pages: state.pages,
        reads: state.reads,
      }),
    },
    estimate: estimateJob({
      ...common,
      bytes: state.listedBytes,
      chunks: Math.ceil(state.listed / manifest.limits.chunkSize),
      pages: state.pages,
      reads: state.listed,
    }),
  };
}

function countChunks({ chunks, clientChunks }: FinalizeContext["state"]): ChunkCounts {
  const { done, expired, rejected } = clientChunks ?? { done: 0, expired: 0, rejected: 0 };
  return { edge: chunks.done - done, client: done, expired, rejected };
}
