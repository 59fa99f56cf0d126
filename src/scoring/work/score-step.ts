import { type ErrorCode, type ScoringError, toScoringError } from "../../errors.ts";
import { labelsOf } from "../job/job-spec.ts";
import type { ImageDecoder } from "../../image/image-types.ts";
import { meterStore } from "../../storage/metered-store.ts";
import { isTransient } from "../../storage/retry.ts";
import { describePart, readPart, storePart } from "../chunk/part.ts";
import { chooseScorer, makeChunkOptions } from "../chunk/chunk-options.ts";
import { scoreChunk } from "../chunk/score-chunk.ts";
import type { Scorer, ScorerOptions } from "../chunk/scorer.ts";
import { readChunkItems } from "../inputs/chunk-items.ts";
import { readItem } from "../inputs/read-item.ts";
import type { ChunkRow } from "../job/chunk-row.ts";
import { cutChunk } from "../job/chunk-split.ts";
import type { ChunkLease, JobCoordinator } from "../job/coordinator-port.ts";
import type { WorkMessage } from "../job/messages.ts";
import type { StoreFailure } from "../job/store-failure.ts";
import { jobFolder, partKey } from "../keys.ts";
import type { InputItem } from "../records/input-item.ts";
import { scoreChanged } from "../prior/carry.ts";
import { openPriorRun } from "../prior/prior-run.ts";
import { traceReads, traceScorer, untraced } from "./spans.ts";
import { limitAccess, sumOperations, type WorkDeps } from "./work-deps.ts";

/** Codes of what existed at submission and is missing when a chunk is scored. */
const JOB_LOST: ReadonlySet<ErrorCode> = new Set(["unknown_model", "unknown_store"]);

type OpenScorer = (options: ScorerOptions) => Promise<Scorer>;

/** Stores and reports what was scored. */
type Report = () => Promise<void>;

/** A chunk that this consumer holds. */
interface Held {
  readonly lease: ChunkLease;
  /** Ends the signs of life. */
  readonly stop: () => void;
}

/** The first input of a chunk, which the store did not give. */
class UnreadInput extends Error {
  readonly failure: ScoringError;
  /** Whether the store gave another input of the chunk. */
  readonly served: boolean;

  constructor(failure: ScoringError, served: boolean) {
    super(failure.message);
    this.failure = failure;
    this.served = served;
  }
}

/** Leases, scores, stores and reports one chunk. */
export async function scoreChunkMessage(
  deps: WorkDeps,
  message: Extract<WorkMessage, { kind: "score" }>,
): Promise<void> {
  const job = deps.openJob(message.jobId);
  const trace = deps.trace ?? untraced;
  let held: Held | null = null;
  const take = async (): Promise<Held | null> => {
    const lease = await trace("lease", () => job.lease(message.chunkId));
    if (lease === null) return null;
    const { id, attempt } = lease.chunk;
    // A store that hangs holds its reader up for longer than a lease.
    const stop = deps.startHeart?.(() => job.renew(id, attempt, null)) ?? (() => {});
    return { lease, stop };
  };
  try {
    if (message.probe === true) {
      // A hanging store must not keep the engine from other jobs.
      held = await take();
      if (held === null) return;
      await tryStores(limitAccess(deps, held.lease.spec), held.lease);
    }
    // The lease is asked for when the engine is free, and the engine is free again before the records are stored.
    const report = await deps.withScorer(async (open) => {
      held ??= await take();
      return held === null ? null : scoreLease(limitAccess(deps, held.lease.spec), job, held.lease, open);
    });
    await report?.();
  } catch (error) {
    if (held === null) throw error;
    deps.failed?.(message, toScoringError(error instanceof UnreadInput ? error.failure : error));
    await giveBack(limitAccess(deps, held.lease.spec), job, held.lease, error);
  } finally {
    held?.stop();
  }
}

/** Reads what scoring the chunk needs first. @throws ScoringError transient `store_*`; UnreadInput */
async function tryStores(deps: WorkDeps, { spec, chunk }: ChunkLease): Promise<void> {
  const { manifest } = spec;
  const [first] = await readChunkItems(deps.openStore(manifest.output.store), chunk, deps.limits.maxPageBytes);
  if (first === undefined) return;
  const failure = await tryRead(deps, manifest.input.store, first);
  if (failure !== null) throw new UnreadInput(failure, false);
}

/** Why the store does not give this input; `null` if it does, or says anything else about it: then the store is there. */
async function tryRead(deps: WorkDeps, store: string, item: InputItem): Promise<ScoringError | null> {
  try {
    await readItem(deps.openStore(store), item, { maxBytes: deps.limits.maxImageBytes });
    return null;
  } catch (error) {
    return isTransient(error) ? error : null;
  }
}

/** Whether the store gives another input of the job than this one. */
async function givesOther(
  deps: WorkDeps,
  job: JobCoordinator,
  { spec, chunk }: ChunkLease,
  unread: number,
): Promise<boolean> {
  const { manifest } = spec;
  try {
    const output = deps.openStore(manifest.output.store);
    const items = await readChunkItems(output, await findOther(job, chunk), deps.limits.maxPageBytes);
    const other = items.find(({ index }) => index !== unread);
    return other !== undefined && (await tryRead(deps, manifest.input.store, other)) === null;
  } catch (error) {
    if (isTransient(error)) return false;
    throw error;
  }
}

/** The chunk that was finished last: its inputs have been given. Before one is, another with each attempt, since it may be as bad; the chunk itself if it is alone. */
async function findOther(job: JobCoordinator, chunk: ChunkRow): Promise<ChunkRow> {
  const { lastChunk, listed = 0 } = (await job.read())?.state ?? {};
  const last = lastChunk === undefined ? null : await job.readChunk(lastChunk);
  if (last !== null) return last;
  const elsewhere = (chunk.first + chunk.count * chunk.attempt) % Math.max(1, listed);
  const rows = [...(await job.listChunks(elsewhere, 1)), ...(await job.listChunks(0, 2))];
  return rows.find(({ id }) => id !== chunk.id) ?? chunk;
}

/** What the coordinator is told of an input that the store did not give: it may be this one object. @param served whether it gave others of the chunk */
async function describeFailure(
  deps: WorkDeps,
  job: JobCoordinator,
  lease: ChunkLease,
  unread: number,
  { code, store }: ScoringError,
  served: boolean,
): Promise<StoreFailure> {
  // What was read before a call ran out of time says nothing of the store since.
  const isServed = (served && code !== "store_timeout") || (await givesOther(deps, job, lease, unread));
  return { store: store ?? lease.spec.manifest.input.store, code, served: isServed };
}

/** Nothing of the chunk is finished: it goes back, and the coordinator learns why. */
async function giveBack(deps: WorkDeps, job: JobCoordinator, lease: ChunkLease, error: unknown): Promise<void> {
  const { id, attempt, first } = lease.chunk;
  const { manifest } = lease.spec;
  if (error instanceof UnreadInput) {
    const unread = await describeFailure(deps, job, lease, first, error.failure, error.served);
    return void (await job.release(id, attempt, unread));
  }
  const { code, detail, disposition, store } = toScoringError(error);
  // A model that is gone or a store that is no longer configured is no chunk's fault: splitting would not help.
  const fatal = disposition === "fatal" || JOB_LOST.has(code);
  if (fatal && code !== "internal") await job.fail({ code, message: detail });
  // Unknown failures count as this chunk's: after some attempts it is split, and the culprit is sealed alone. Frozen pages, parts and
  // models that a store does not read or write are no input's fault.
  const outage = { store: store ?? manifest.output.store, code, served: false };
  await job.release(id, attempt, disposition === "transient" ? outage : null);
}

async function scoreLease(deps: WorkDeps, job: JobCoordinator, lease: ChunkLease, open: OpenScorer): Promise<Report> {
  const { spec, chunk } = lease;
  const { manifest } = spec;
  const { limits } = deps;
  const trace = deps.trace ?? untraced;
  const input = meterStore(traceReads(deps.openStore(manifest.input.store), trace));
  const output = meterStore(deps.openStore(manifest.output.store));
  const { faces } = manifest;
  const scorer = traceScorer(await open(chooseScorer(spec)), trace);
  const { engine } = scorer.classifier;
  const items = await readChunkItems(output, chunk, limits.maxPageBytes);
  const folder = jobFolder(manifest.output.prefix, spec.id);
  const key = partKey(folder, chunk.id);
  // An earlier attempt may have written the part and died before it could report it.
  const stored = chunk.attempt > 1 ? await readPart(output, key, items, faces, limits.maxPartBytes) : null;
  if (stored !== null) {
    const receipt = { reads: 0, readBytes: 0, operations: output.operations(), engine };
    return async () =>
      void (await job.finish(chunk.id, await describePart(stored, faces, receipt, deps.openHash, labelsOf(spec))));
  }
  const watch = watchComputing(job, chunk, scorer.decoder);
  const options = {
    ...makeChunkOptions(spec, limits, "stop"),
    ...(deps.startTime === undefined ? {} : { isOver: deps.startTime() }),
    ...(deps.breathe === undefined ? {} : { breathe: deps.breathe }),
  };
  const prior = await openPriorRun(deps, spec);
  const scores = await scoreChanged(prior, spec, items, (fresh) =>
    scoreChunk({ store: input, ...scorer, decoder: watch.decoder }, fresh, options),
  );
  await watch.end();
  const { stop } = scores;
  if (stop?.inputs === 0 && stop.error !== null) throw new UnreadInput(stop.error, stop.served);
  return async () => {
    // What comes before the stop becomes a chunk of its own, named by its inputs: whoever scores them again writes the same.
    const head = stop === null ? chunk : cutChunk(chunk, stop.inputs)[0];
    const own = items.slice(0, head.count);
    const partAt = partKey(folder, head.id);
    const part = await trace("store", () => storePart(output, partAt, scores.records, own, faces, limits.maxPartBytes));
    const operations = sumOperations([input, output, ...(prior === null ? [] : [prior.store])]);
    const receipt = { reads: scores.reads, readBytes: scores.readBytes, operations, engine };
    const result = await describePart(part, faces, receipt, deps.openHash, labelsOf(spec));
    if (stop === null) {
      await job.finish(chunk.id, result);
      return;
    }
    const { error, inputs, served } = stop;
    const unread = chunk.first + inputs;
    const failure = error === null ? null : await describeFailure(deps, job, lease, unread, error, served);
    await job.finishPart(chunk.id, chunk.attempt, { inputs, result, failure });
  };
}

/**
 * Tells the coordinator when a single input begins and ends to be computed, from its second attempt on: only a consumer that dies in between
 * speaks against the input. For other chunks, nothing: one that does not come back is halved.
 */
function watchComputing(
  job: JobCoordinator,
  { id, count, attempt }: ChunkRow,
  decoder: ImageDecoder,
): { readonly decoder: ImageDecoder; readonly end: () => Promise<void> } {
  if (count > 1 || attempt === 1) return { decoder, end: async () => {} };
  let computing = false;
  return {
    decoder: {
      ...decoder,
      async decode(bytes, aim) {
        computing = await job.renew(id, attempt, true);
        return decoder.decode(bytes, aim);
      },
    },
    async end() {
      if (computing) await job.renew(id, attempt, false);
    },
  };
}
