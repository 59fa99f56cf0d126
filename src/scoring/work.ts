/**
 * What a consumer does with one message. Every step asks the coordinator for the right to work, works, and reports;
 * a step that is refused is simply done. The same code runs under the queue and under the fault simulation.
 */

import { type ErrorCode, ScoringError, toScoringError } from "../errors.ts";
import type { ImageDecoder } from "../image/image-types.ts";
import type { ModelCard } from "../model/card.ts";
import type { Classifier } from "../model/classifier.ts";
import type { FaceFinder } from "../model/face-finder.ts";
import { addOperations, type MeteredStore, meterStore, NO_OPERATIONS, type StoreOperations } from "./metered-store.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import { requireGrant } from "./access.ts";
import { type ChunkOptions, scoreChunk } from "./chunk.ts";
import type { ChunkLease, JobCoordinator, PlanTicket } from "./coordinator-port.ts";
import type { Directory } from "./directory.ts";
import { runEraseStep } from "./erase/erase-step.ts";
import type { Eraser } from "./erase/eraser-port.ts";
import { type FinalizeDeps, runFinalizeStep } from "./finalize.ts";
import { guardStore } from "./guarded-store.ts";
import { planInputPage } from "./inputs/plan-page.ts";
import { findListStore, type JobSpec, toInputSpec } from "./job-spec.ts";
import type { ChunkRow } from "./job-state.ts";
import { inputPageKey, jobFolder, partKey } from "./keys.ts";
import type { Limits } from "./limits.ts";
import type { WorkMessage } from "./messages.ts";
import { readChunkItems } from "./chunk-items.ts";
import { describePart, readPart, type StoredPart, storePart } from "./part.ts";
import { chooseChunkPlan, countChunkReads, planChunks, spreadChunks } from "./plan.ts";
import { scoreChanged } from "./schedules/carry.ts";
import { formatJoinedCursor, joinPrior, openPriorLines, parseJoinedCursor } from "./schedules/prior-join.ts";
import { openPriorRun } from "./schedules/prior-run.ts";

/** Everything that scores, for one job's model and options. */
export interface Scorer {
  readonly decoder: ImageDecoder;
  readonly finder: FaceFinder | null;
  readonly classifier: Classifier;
}

/** What a job asks of a scorer. */
export interface ScorerOptions {
  readonly model: string;
  readonly tta: "none" | "flip";
  readonly findsFaces: boolean;
}

/** The ports that a consumer works with. */
export interface WorkDeps extends Pick<FinalizeDeps, "formatting" | "openHash"> {
  /** The coordinator of a job. */
  openJob(jobId: string): JobCoordinator;
  /** The eraser of a job. Absent where nothing can be erased: a run on one machine. */
  openEraser?(jobId: string): Eraser;
  /** See Directory.chargeImages. Absent where there are no quotas. */
  readonly chargeImages?: Directory["chargeImages"];
  /** @throws ScoringError `unknown_store` */
  openStore(name: string): ObjectStore;
  /**
   * Runs `body` alone: engines are not safe for overlapping calls, and a chunk must not wait for its turn while its
   * lease runs. `open` gives the scorer of a job.
   */
  withScorer<T>(body: (open: (options: ScorerOptions) => Promise<Scorer>) => Promise<T>): Promise<T>;
  /** @throws ScoringError `unknown_model` */
  readCard(model: string): Promise<ModelCard>;
  readonly limits: Limits;
  /** How many scorers a small job is to be spread over. Absent: its chunks are as large as the job allows. */
  readonly scorers?: number;
  /** Sends one signed message; absent where no secret is configured. @throws ScoringError `webhook_failed`, `address_forbidden` */
  sendWebhook?(url: string, id: string, payload: string): Promise<void>;
  /** Told of every failure that was handled, for the log. */
  readonly failed?: (message: WorkMessage, error: ScoringError) => void;
}

/** Handles one message. Resolves when it may be acknowledged; throws only if even the coordinator was out of reach. */
export async function handleMessage(deps: WorkDeps, message: WorkMessage): Promise<void> {
  switch (message.kind) {
    case "plan":
      return planInput(deps, message);
    case "score":
      return score(deps, message);
    case "finalize":
      return finalize(deps, message);
    case "erase":
      return erase(deps, message);
    case "notify":
      return notify(deps, message);
  }
}

/** A failure is only told: the coordinator's own schedule tries again. */
async function notify(deps: WorkDeps, message: Extract<WorkMessage, { kind: "notify" }>): Promise<void> {
  const job = deps.openJob(message.jobId);
  const due = await job.readNotice(message.eventId);
  if (due === null || deps.sendWebhook === undefined) return;
  try {
    await deps.sendWebhook(due.url, `${message.jobId}.${message.eventId}`, due.notice.payload);
    await job.finishNotice(message.eventId);
  } catch (error) {
    deps.failed?.(message, toScoringError(error));
  }
}

/** A message that the queue gave up on: its chunk is split or sealed; a lost step is found by the sweep. */
export async function handleDeadLetter(deps: WorkDeps, message: WorkMessage): Promise<void> {
  if (message.kind === "score") await deps.openJob(message.jobId).loseChunk(message.chunkId);
}

async function planInput(deps: WorkDeps, message: Extract<WorkMessage, { kind: "plan" }>): Promise<void> {
  const job = deps.openJob(message.jobId);
  const ticket = await job.beginPlan(message.step);
  if (ticket === null) return;
  try {
    await planPages(limitAccess(deps, ticket.spec), job, ticket);
  } catch (error) {
    await reportTaskFailure(deps, job, message, ticket, toScoringError(error));
  }
}

/** Lists, freezes and reports some pages: the whole input is never held. */
async function planPages(deps: WorkDeps, job: JobCoordinator, ticket: PlanTicket): Promise<void> {
  const { spec, step, attempt } = ticket;
  const { manifest } = spec;
  const { limits } = deps;
  const input = meterStore(deps.openStore(manifest.input.store));
  const list = meterStore(deps.openStore(findListStore(manifest)));
  const output = meterStore(deps.openStore(manifest.output.store));
  const folder = jobFolder(manifest.output.prefix, spec.id);
  const source = toInputSpec(manifest);
  const options = chooseChunkPlan(manifest, limits);
  const joined = parseJoinedCursor(ticket.cursor);
  let cursor = joined.plan;
  const prior = await openPriorRun(deps, spec);
  const lines = prior === null ? null : await openPriorLines(prior, joined.prior, limits);
  const chunks: ChunkRow[] = [];
  const pageKeys: string[] = [];
  const issues = [];
  let items = 0;
  let bytes = 0;
  let reads = 0;
  for (let n = 0; n < limits.maxPagesPerPlanStep; n++) {
    const page = await planInputPage(input, source, cursor, limits.plan, list);
    cursor = page.cursor;
    issues.push(...page.issues);
    // A listed key that the job's owner may not read stops the job here: nothing of it is read.
    for (const { key } of page.items) requireGrant(spec.owner?.grants ?? null, manifest.input.store, key);
    if (page.items.length > 0) {
      const key = inputPageKey(folder, ticket.firstPage + pageKeys.length, attempt);
      const isWholeInput = ticket.firstIndex === 0 && items === 0 && cursor === null;
      const spread =
        isWholeInput && deps.scorers !== undefined ? spreadChunks(options, page.items.length, deps.scorers) : options;
      const frozen = planChunks(lines === null ? page.items : await joinPrior(page.items, lines), key, spread);
      await output.put(key, frozen.body, { contentType: "application/x-ndjson" });
      pageKeys.push(key);
      chunks.push(...frozen.chunks);
      reads += countChunkReads(page.items, frozen.chunks, limits);
      items += page.items.length;
      bytes += page.items.reduce((sum, item) => sum + (item.size ?? 0), 0);
    }
    if (cursor === null) break;
  }
  await chargeOwner(deps, spec, ticket.firstIndex + items);
  const operations = sumOperations([input, list, output, ...(prior === null ? [] : [prior.store])]);
  const next = prior === null ? cursor : formatJoinedCursor(cursor, lines?.position() ?? null);
  await job.commitPlan({ step, attempt, cursor: next, items, bytes, reads, operations, pageKeys, chunks, issues });
}

function sumOperations(stores: readonly MeteredStore[]): StoreOperations {
  return stores.reduce((sum, store) => addOperations(sum, store.operations()), NO_OPERATIONS);
}

/** The stores as the job's owner may use them, whatever key a listed manifest or a frozen page names. */
function limitAccess(deps: WorkDeps, spec: JobSpec): WorkDeps {
  const grants = spec.owner?.grants ?? null;
  return { ...deps, openStore: (name) => guardStore(deps.openStore(name), name, grants) };
}

/** @throws ScoringError `quota_exceeded` */
async function chargeOwner(deps: WorkDeps, spec: JobSpec, images: number): Promise<void> {
  const maxImagesPerDay = spec.owner?.maxImagesPerDay ?? null;
  if (maxImagesPerDay === null || deps.chargeImages === undefined) return;
  if (await deps.chargeImages({ jobId: spec.id, images, maxImagesPerDay })) return;
  throw new ScoringError("quota_exceeded", `the API key of this job may score ${maxImagesPerDay} images a day (UTC)`);
}

/** Found at submission, and missing when a chunk is scored. */
const JOB_LOST: ReadonlySet<ErrorCode> = new Set(["unknown_model", "unknown_store"]);

type OpenScorer = (options: ScorerOptions) => Promise<Scorer>;

/** Stores and reports what was scored. */
type Report = () => Promise<void>;

async function score(deps: WorkDeps, message: Extract<WorkMessage, { kind: "score" }>): Promise<void> {
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
  const scorer = await open({ model: spec.model, tta: manifest.tta, findsFaces: faces !== "aligned" });
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
    faces: { mode: faces, minFacePixels: manifest.minFacePixels, minFaceScore: manifest.minFaceScore },
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

async function finalize(deps: WorkDeps, message: Extract<WorkMessage, { kind: "finalize" }>): Promise<void> {
  const job = deps.openJob(message.jobId);
  const ticket = await job.beginFinalize(message.step);
  if (ticket === null) return;
  try {
    await job.commitFinalize(await runFinalizeStep(limitAccess(deps, ticket.spec), job, ticket));
  } catch (error) {
    await reportTaskFailure(deps, job, message, ticket, toScoringError(error));
  }
}

async function erase(deps: WorkDeps, message: Extract<WorkMessage, { kind: "erase" }>): Promise<void> {
  const job = deps.openEraser?.(message.jobId);
  const ticket = (await job?.beginErase(message.step)) ?? null;
  if (job === undefined || ticket === null) return;
  try {
    await job.commitErase(await runEraseStep(limitAccess(deps, ticket.spec), job, ticket));
  } catch (error) {
    const failure = toScoringError(error);
    deps.failed?.(message, failure);
    const { code, detail, disposition } = failure;
    const isFatal = disposition !== "transient" && code !== "internal";
    await job.retryErase(ticket.step, ticket.attempt, { code, message: detail }, isFatal);
  }
}

async function reportTaskFailure(
  deps: WorkDeps,
  job: JobCoordinator,
  message: Extract<WorkMessage, { kind: "plan" | "finalize" }>,
  ticket: { readonly step: number; readonly attempt: number },
  error: ScoringError,
): Promise<void> {
  deps.failed?.(message, error);
  const failure = { code: error.code, message: error.detail };
  const passes = error.disposition === "transient" || error.code === "internal";
  if (passes) await job.retryTask(message.kind, ticket.step, ticket.attempt, failure);
  else await job.fail(failure);
}
