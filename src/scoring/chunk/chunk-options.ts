/** What a job's chunks are scored with: one interpretation of its manifest for the edge, clients and verification. */

import type { JobSpec } from "../job/job-spec.ts";
import type { Limits } from "../limits.ts";
import { findsFaces } from "../records/face-mode.ts";
import { toFaceOptions } from "./faces.ts";
import type { RecordStamp } from "./score-record.ts";
import type { ChunkOptions } from "./score-chunk.ts";
import type { ScorerOptions } from "./scorer.ts";

/** What the job asks of a scorer. */
export function chooseScorer({
  model,
  modelForm,
  manifest,
}: Pick<JobSpec, "model" | "modelForm" | "manifest">): ScorerOptions {
  return { model, ...(modelForm !== undefined && { modelForm }), tta: manifest.tta, findsFaces: findsFaces(manifest) };
}

/** What the records of a job, or of a client's task, have in common. */
export function makeStamp({ model, pipeline, thresholds, embedding }: RecordStamp): RecordStamp {
  return {
    model,
    pipeline,
    ...(thresholds === undefined ? {} : { thresholds }),
    ...(embedding === true ? { embedding } : {}),
  };
}

/** The stamp of a job's records. */
export function stampOf(spec: JobSpec): RecordStamp {
  return makeStamp({ ...spec, embedding: spec.manifest.output.embedding });
}

/** The options of a chunk under the limits of the server. */
export function makeChunkOptions(
  spec: JobSpec,
  limits: Limits,
  failedReads: ChunkOptions["failedReads"],
): ChunkOptions {
  const { maxImageBytes, maxConnections, maxAheadBytes, maxRunBytes, maxGapBytes } = limits;
  return {
    format: spec.manifest.format,
    faces: toFaceOptions(spec.manifest),
    stamp: stampOf(spec),
    maxImageBytes,
    maxConnections,
    maxAheadBytes,
    maxRunBytes,
    maxGapBytes,
    failedReads,
  };
}
