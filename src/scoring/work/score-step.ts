import { findsFaces } from "../records/face-mode.ts";
import { toFaceOptions } from "../chunk/faces.ts";
import { type ErrorCode, toScoringError } from "../../errors.ts";
import { meterStore } from "../../storage/metered-store.ts";
import { describePart, readPart, type StoredPart, storePart } from "../chunk/part.ts";
import { type ChunkOptions, scoreChunk } from "../chunk/score-chunk.ts";
import type { Scorer, ScorerOptions } from "../chunk/scorer.ts";
import { readChunkItems } from "../inputs/chunk-items.ts";
import type { ChunkLease, JobCoordinator } from "../job/coordinator-port.ts";
import type { WorkMessage } from "../job/messages.ts";
import { jobFolder, partKey } from "../keys.ts";
import { scoreChanged } from "../prior/carry.ts";
import { openPriorRun } from "../prior/prior-run.ts";
import { limitAccess, sumOperations, type WorkDeps } from "./work-deps.ts";

/** Found at submission, and missing when a chunk is scored. */
const JOB_LOST: ReadonlySet<ErrorCode> = new Set(["unknown_model", "unknown_store"]);

type OpenScorer = (options: ScorerOptions) => Promise<Scorer>;

/** Stores and reports what was scored. */
type Report = () => Promise<void>;

/** Leases, scores, stores and reports one chunk. */
export async function scoreChunkMessage(
  deps: WorkDeps,
  message: Extract<WorkMessage, { kind: "score" }>,
): Promise<void> {
  const job = deps.openJob(message.jobId);
  const held: { lease: ChunkLease | null } = { lease: null };
  try {
    // The lease is asked for when the engine is free, and the engine is free again before the records are stored.
    const report = await deps.withScorer(async (open) => {
      held.lease = await job.lease(message.chunkId);
      return held.lease === null ? null : scoreLease(limitAccess(deps, held.lease.spec), job, held.lease, open);
    });
    await report?.();
  } catch (error) {
    if (held.lease === null) throw error;
    const failure = toScoringError(error);
    deps.failed?.(message, failure);
    // A model that is gone or a store that is no longer configured is no chunk's fault: splitting would not help.
    const fatal = failure.disposition === "fatal" || JOB_LOST.has(failure.code);
    if (fatal && failure.code !== "internal") {
      await job.fail({ code: failure.code, message: failure.detail });
    }
    // Unknown failures count as this chunk's: after some attempts it is split, and the culprit is sealed alone.
    const { id, attempt } = held.lease.chunk;
    await job.release(id, attempt);
  }
}

async function scoreLease(deps: WorkDeps, job: JobCoordinator, lease: ChunkLease, open: OpenScorer): Promise<Report> {
  const { spec, chunk } = lease;
  const { manifest } = spec;
  const { limits } = deps;
  const input = meterStore(deps.openStore(manifest.input.store));
  const output = meterStore(deps.openStore(manifest.output.store));
  const { faces } = manifest;
  const scorer = await open({ model: spec.model, tta: manifest.tta, findsFaces: findsFaces(manifest) });
  const { engine } = scorer.classifier;
  const items = await readChunkItems(output, chunk, limits.maxPageBytes);
  const key = partKey(jobFolder(manifest.output.prefix, spec.id), chunk.id);
  // An earlier attempt may have written the part and died before it could say so.
  const stored = chunk.attempt > 1 ? await readPart(output, key, items, faces, limits.maxPartBytes) : null;
  const finish = async (part: StoredPart, receipt: Parameters<typeof describePart>[2]): Promise<void> => {
    await job.finish(chunk.id, await describePart(part, faces, receipt, deps.openHash));
  };
  if (stored !== null) {
    return () => finish(stored, { reads: 0, readBytes: 0, operations: output.operations(), engine });
  }
  const chunkOptions: ChunkOptions = {
    format: manifest.format,
    faces: toFaceOptions(manifest),
    stamp: { model: spec.model, pipeline: spec.pipeline },
    maxImageBytes: limits.maxImageBytes,
    maxConnections: limits.maxConnections,
    maxAheadBytes: limits.maxAheadBytes,
    maxRunBytes: limits.maxRunBytes,
    maxGapBytes: limits.maxGapBytes,
    tolerant: chunk.attempt >= limits.maxTransientAttempts,
  };
  const prior = await openPriorRun(deps, spec);
  const scores = await scoreChanged(prior, spec, items, (fresh) =>
    scoreChunk({ store: input, ...scorer }, fresh, chunkOptions),
  );
  return async () => {
    const part = await storePart(output, key, scores.records, items, faces, limits.maxPartBytes);
    const operations = sumOperations([input, output, ...(prior === null ? [] : [prior.store])]);
    await finish(part, { reads: scores.reads, readBytes: scores.readBytes, operations, engine });
  };
}
