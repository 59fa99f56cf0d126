/** What happens to one chunk on a good day: leased, renewed, finished in part or whole. For the rest see job-trouble.ts. */

import { cutChunk } from "./chunk-split.ts";
import { watchThreshold } from "./error-threshold.ts";
import type { JobEffect, JobEvent } from "./job-event.ts";
import type { JobState } from "./job-state.ts";
import type { JobFailure } from "./job-task.ts";
import type { ChunkResult, ChunkRow } from "./chunk-row.ts";
import { addErrors, addLabels, addOutcomes, countFinished } from "./outcome-counts.ts";
import { countClientChunk } from "./job-clients.ts";
import { meterChunk, readMeter } from "./job-meter.ts";
import { isActive, isLeasedBy, returnRest, unqueue } from "./job-trouble.ts";
import { type Draft, enter, fail, findExcess, withEffects } from "./job-transition.ts";
import { isServed, openWindow } from "./store-wait.ts";
import { progress } from "./job-progress.ts";

/** Grants a chunk to a consumer, if its message is current; a paused job takes it back instead. */
export function leaseChunk(state: JobState, chunk: ChunkRow, nowMs: number): Draft | null {
  if (!isActive(chunk) || chunk.status !== "queued") return null;
  if (state.status === "paused") return unqueue(state, chunk);
  if (state.status !== "queued" && state.status !== "running") return null;
  if (!isServed(state, nowMs)) return unqueue(state, chunk);
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
  const done: ChunkRow = { ...chunk, status: "done", dueMs: 0, result, client: null };
  const counted = countResult(state, from, done, result, nowMs);
  const told = progress(counted, [{ kind: "put-chunk", chunk: done }], nowMs);
  return watchThreshold(openWindow(told), nowMs);
}

/**
 * A consumer finished the first inputs of its chunk, which become a chunk of their own. The rest goes out again; an input that the
 * store did not give, while it gave those before, goes alone.
 */
export function finishPart(state: JobState, event: Extract<JobEvent, { kind: "finish-part" }>): Draft | null {
  const { chunk, attempt, inputs, result, failure, nowMs } = event;
  if (!isLeasedBy(chunk, attempt) || state.status === "finalizing") return null;
  if (inputs < 1 || inputs >= chunk.count) return null;
  const excess = findExcess(state, result.records - inputs);
  if (excess !== null) return leaveOut(state, chunk, excess, nowMs);
  const [head, rest] = cutChunk(chunk, inputs);
  const counted = countResult(state, "leased", head, result, nowMs);
  const rows: JobEffect[] = [
    { kind: "put-chunk", chunk: { ...chunk, status: "split", dueMs: 0 } },
    { kind: "put-chunk", chunk: { ...head, status: "done", result } },
  ];
  const told = watchThreshold(openWindow(progress(counted, rows, nowMs)), nowMs);
  return withEffects(told.effects, returnRest(told.state, rest, failure, nowMs));
}

/** The state after a result from a chunk in this status. */
function countResult(
  state: JobState,
  from: "leased" | "queued" | "pending",
  { id }: Pick<ChunkRow, "id">,
  result: ChunkResult,
  nowMs: number,
): JobState {
  const outcomes = addOutcomes(state.outcomes, result.outcomes);
  return {
    ...state,
    chunks: { ...state.chunks, [from]: state.chunks[from] - 1, done: state.chunks.done + 1 },
    outcomes,
    errors: addErrors(state.errors, result.errors),
    labels: addLabels(state.labels, result.labels),
    lastChunk: id,
    records: state.records + result.records,
    reads: state.reads + result.reads,
    readBytes: state.readBytes + result.readBytes,
    ...(result.operations === undefined ? {} : { meter: meterChunk(readMeter(state), result.operations) }),
    engines: addNames(state.engines, [result.engine]),
    ...(result.decoders === undefined ? {} : { decoders: addNames(state.decoders ?? [], result.decoders) }),
    rate: averageRate(state.rate, countFinished(outcomes), nowMs),
    ...(result.client === undefined ? {} : countClientChunk(state, "done", nowMs)),
  };
}

/** Names that are new among sorted ones, each once; the same array where none is. */
function addNames(names: readonly string[], more: readonly string[]): readonly string[] {
  const fresh = more.filter((name) => !names.includes(name));
  return fresh.length === 0 ? names : [...names, ...fresh].sort();
}

/** A consumer is still at its chunk; of a single input it tells when it begins and ends to compute it. */
export function renewChunk(state: JobState, event: Extract<JobEvent, { kind: "renew" }>): Draft | null {
  const { chunk, attempt, computing, nowMs } = event;
  if (!isLeasedBy(chunk, attempt) || state.status === "finalizing") return null;
  const step = computing === null ? 0 : computing ? 1 : -1;
  const renewed = { ...chunk, expiries: Math.max(0, chunk.expiries + step), dueMs: nowMs + state.rules.leaseMs };
  return { state, effects: [{ kind: "put-chunk", chunk: renewed }] };
}

/** The chunk that has too many records is not counted, so that the others can be finalized. */
function leaveOut(state: JobState, chunk: ChunkRow, excess: JobFailure, nowMs: number): Draft {
  const back = isActive(chunk) ? unqueue(state, chunk) : { state, effects: [] };
  return withEffects(back.effects, fail(back.state, excess, nowMs) ?? { state: back.state, effects: [] });
}

/** The rate after more outcomes: exponentially averaged over about 20 s. */
export function averageRate(rate: JobState["rate"], counted: number, nowMs: number): JobState["rate"] {
  const seconds = (nowMs - rate.atMs) / 1000;
  // Two reports at one moment would divide by zero: wait until the clock has moved.
  if (seconds < 0.05) return rate;
  const perSecond = (counted - rate.counted) / seconds;
  const weight = 1 - Math.exp(-seconds / 20);
  const mean = rate.perSecond === null ? perSecond : rate.perSecond + weight * (perSecond - rate.perSecond);
  return { perSecond: mean, atMs: nowMs, counted };
}
