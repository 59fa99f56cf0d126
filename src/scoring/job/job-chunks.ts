/** What happens to one chunk: leased, finished, given back, lost, split, sealed. */

import type { ErrorCode } from "../../errors.ts";
import { sealChunk, splitChunk } from "./chunk-split.ts";
import type { JobEffect } from "./job-event.ts";
import type { JobState } from "./job-state.ts";
import type { JobFailure } from "./job-task.ts";
import type { ChunkResult, ChunkRow } from "./chunk-row.ts";
import { addErrors, addOutcomes, countFinished } from "./outcome-counts.ts";
import { countClientChunk, takeBack } from "./job-clients.ts";
import { meterChunk, readMeter } from "./job-meter.ts";
import { backoffSeconds, type Draft, enter, fail, findExcess, isWorking, withEffects } from "./job-transition.ts";

/** A chunk that is in the queue or with a consumer. */
type ActiveChunk = ChunkRow & { readonly status: "queued" | "leased" };

function isActive(chunk: ChunkRow): chunk is ActiveChunk {
  return chunk.status === "queued" || chunk.status === "leased";
}

function isHeld(chunk: ChunkRow): boolean {
  return (chunk.client ?? null) !== null;
}

/** Grants a chunk to a consumer, if its message is current; a paused job takes it back instead. */
export function leaseChunk(state: JobState, chunk: ChunkRow, nowMs: number): Draft | null {
  if (!isActive(chunk) || chunk.status !== "queued") return null;
  if (state.status === "paused") return unqueue(state, chunk);
  if (state.status !== "queued" && state.status !== "running") return null;
  const leased: ChunkRow = {
    ...chunk,
    status: "leased",
    attempt: chunk.attempt + 1,
    dueMs: nowMs + state.rules.leaseMs,
  };
  const moved = {
    ...state,
    chunks: { ...state.chunks, queued: state.chunks.queued - 1, leased: state.chunks.leased + 1 },
  };
  const effects: JobEffect[] = [{ kind: "put-chunk", chunk: leased }];
  return state.status === "queued" ? enter(moved, "running", nowMs, effects) : { state: moved, effects };
}

/**
 * A finished part is durable and the same whoever wrote it, so a report counts from any attempt, once: whatever the
 * row waits for, unless it was split or is done.
 */
export function finishChunk(state: JobState, chunk: ChunkRow, result: ChunkResult, nowMs: number): Draft | null {
  if (state.status === "finalizing" || state.status === "validating") return null;
  const from = chunk.status;
  if (from !== "leased" && from !== "queued" && from !== "pending") return null;
  const excess = findExcess(state, result.records - chunk.count);
  if (excess !== null) return leaveOut(state, chunk, excess, nowMs);
  const outcomes = addOutcomes(state.outcomes, result.outcomes);
  const done: ChunkRow = { ...chunk, status: "done", dueMs: 0, result, client: null };
  const counted: JobState = {
    ...state,
    chunks: { ...state.chunks, [from]: state.chunks[from] - 1, done: state.chunks.done + 1 },
    outcomes,
    errors: addErrors(state.errors, result.errors),
    records: state.records + result.records,
    reads: state.reads + result.reads,
    readBytes: state.readBytes + result.readBytes,
    ...(result.operations === undefined ? {} : { meter: meterChunk(readMeter(state), result.operations) }),
    engines: state.engines.includes(result.engine) ? state.engines : [...state.engines, result.engine].sort(),
    rate: averageRate(state.rate, countFinished(outcomes), nowMs),
    ...(result.client === undefined ? {} : countClientChunk(state, "done", nowMs)),
  };
  return watchThreshold(progress(counted, [{ kind: "put-chunk", chunk: done }], nowMs), nowMs);
}

/** The chunk that has too many records is not counted, so that the others can be finalised. */
function leaveOut(state: JobState, chunk: ChunkRow, excess: JobFailure, nowMs: number): Draft {
  const back = isActive(chunk) ? unqueue(state, chunk) : { state, effects: [] };
  return withEffects(back.effects, fail(back.state, excess, nowMs) ?? { state: back.state, effects: [] });
}

/** Fails the job if this outcome crossed its error threshold. */
function watchThreshold(draft: Draft, nowMs: number): Draft {
  return overThreshold(draft.state)
    ? withEffects(draft.effects, fail(draft.state, thresholdFailure(draft.state), nowMs)!)
    : draft;
}

/** Whether so many inputs failed that the job does, after the minimum sample. */
export function overThreshold(state: JobState): boolean {
  const finished = countFinished(state.outcomes);
  const share = state.outcomes.failed / Math.max(1, finished);
  return finished >= state.rules.errorMinimumSample && share > state.rules.errorThreshold && state.verdict === null;
}

/** The failure of a job whose error threshold was crossed. */
export function thresholdFailure(state: JobState): JobFailure {
  const { failed } = state.outcomes;
  const finished = countFinished(state.outcomes);
  const code: ErrorCode = "error_threshold";
  return {
    code,
    message: `${failed} of ${finished} inputs failed, above the threshold of ${state.rules.errorThreshold}`,
  };
}

/** The rate after more outcomes: exponentially averaged over about 20 s. */
export function averageRate(rate: JobState["rate"], counted: number, nowMs: number): JobState["rate"] {
  const seconds = (nowMs - rate.atMs) / 1000;
  // Two reports of one moment would divide by nothing: wait until the clock has moved.
  if (seconds < 0.05) return rate;
  const perSecond = (counted - rate.counted) / seconds;
  const weight = 1 - Math.exp(-seconds / 20);
  const mean = rate.perSecond === null ? perSecond : rate.perSecond + weight * (perSecond - rate.perSecond);
  return { perSecond: mean, atMs: nowMs, counted };
}

/** Announces progress, at most every `progressMs`. */
export function progress(state: JobState, effects: readonly JobEffect[], nowMs: number): Draft {
  if (nowMs - state.announcedMs < state.rules.progressMs) return { state, effects };
  return { state: { ...state, announcedMs: nowMs }, effects: [...effects, { kind: "announce", event: "progress" }] };
}

/** A consumer gives its chunk back after a failure that may pass. */
export function releaseChunk(state: JobState, chunk: ChunkRow, attempt: number, nowMs: number): Draft | null {
  if (!isActive(chunk) || chunk.status !== "leased" || chunk.attempt !== attempt || state.status === "finalizing")
    return null;
  if (isHeld(chunk)) return null;
  if (!isWorking(state)) return unqueue(state, chunk);
  if (chunk.attempt >= state.rules.maxChunkAttempts) return breakChunk(state, chunk, nowMs);
  const delaySeconds = backoffSeconds(chunk.attempt, state.rules);
  const dueMs = nowMs + delaySeconds * 1000 + state.rules.resendMs;
  return {
    state: { ...state, chunks: { ...state.chunks, leased: state.chunks.leased - 1, queued: state.chunks.queued + 1 } },
    effects: [
      { kind: "put-chunk", chunk: { ...chunk, status: "queued", dueMs } },
      { kind: "send-chunk", chunkId: chunk.id, delaySeconds },
    ],
  };
}

/** Back to pending, without a message: the job is paused or stopping. */
export function unqueue(state: JobState, chunk: ActiveChunk): Draft {
  const from = chunk.status;
  return {
    state: { ...state, chunks: { ...state.chunks, [from]: state.chunks[from] - 1, pending: state.chunks.pending + 1 } },
    effects: [{ kind: "put-chunk", chunk: { ...chunk, status: "pending", dueMs: 0, client: null } }],
  };
}

/** Its message ended among the dead letters: the work itself is at fault. */
export function loseChunk(state: JobState, chunk: ChunkRow, nowMs: number): Draft | null {
  // A message of the time before a client took the chunk says nothing about it.
  if (!isActive(chunk) || isHeld(chunk)) return null;
  if (state.status === "finalizing") return null;
  return isWorking(state) ? breakChunk(state, chunk, nowMs) : unqueue(state, chunk);
}

/** Called for a row whose time has come: send a lost message again, or take an expired lease for a death. */
export function dueChunk(state: JobState, chunk: ChunkRow, nowMs: number): Draft | null {
  if (!isActive(chunk) || nowMs < chunk.dueMs) return null;
  if (state.status === "finalizing") return null;
  if (!isWorking(state)) return unqueue(state, chunk);
  // A client that went away says nothing about the chunk: the edge takes it as it is.
  if (isHeld(chunk)) return takeBack({ ...state, ...countClientChunk(state, "expired", null) }, chunk, nowMs);
  if (chunk.status === "leased") return breakChunk(state, chunk, nowMs);
  return {
    state,
    effects: [
      { kind: "put-chunk", chunk: { ...chunk, dueMs: nowMs + state.rules.resendMs } },
      { kind: "send-chunk", chunkId: chunk.id, delaySeconds: 0 },
    ],
  };
}

/** Halves a chunk that killed its consumer; a single image gets one more try and is then sealed. */
export function breakChunk(state: JobState, chunk: ActiveChunk, nowMs: number): Draft {
  const from = chunk.status;
  const { chunks } = state;
  if (chunk.count > 1) {
    const halves = splitChunk(chunk);
    return {
      state: { ...state, chunks: { ...chunks, [from]: chunks[from] - 1, pending: chunks.pending + halves.length } },
      effects: [
        { kind: "put-chunk", chunk: { ...chunk, status: "split", dueMs: 0 } },
        ...halves.map((half): JobEffect => ({ kind: "put-chunk", chunk: half })),
      ],
    };
  }
  const expiries = chunk.expiries + 1;
  if (expiries < state.rules.maxSingleExpiries) return unqueue(state, { ...chunk, expiries });
  const sealed: JobState = {
    ...state,
    chunks: { ...chunks, [from]: chunks[from] - 1, done: chunks.done + 1 },
    outcomes: { ...state.outcomes, failed: state.outcomes.failed + chunk.count },
    errors: addErrors(state.errors, { item_poisoned: chunk.count }),
    records: state.records + chunk.count,
  };
  const effects: JobEffect[] = [{ kind: "put-chunk", chunk: sealChunk({ ...chunk, expiries }) }];
  return watchThreshold({ state: sealed, effects }, nowMs);
}
