/** What happens to one chunk on a bad day: given back, lost, split, sealed. */

import type { ErrorCode } from "../../errors.ts";
import type { ChunkRow } from "./chunk-row.ts";
import { cutChunk, sealChunk, splitChunk } from "./chunk-split.ts";
import { watchThreshold } from "./error-threshold.ts";
import { countClientChunk, takeBack } from "./job-clients.ts";
import type { JobEvent } from "./job-event.ts";
import type { JobState } from "./job-state.ts";
import { backoffSeconds, type Draft, isWorking, withEffects } from "./job-transition.ts";
import { addErrors } from "./outcome-counts.ts";
import { awaitStore, isOutage } from "./store-wait.ts";
import type { StoreFailure } from "./store-failure.ts";

/** A chunk that is in the queue or with a consumer. */
export type ActiveChunk = ChunkRow & { readonly status: "queued" | "leased" };

/** Whether a chunk is in the queue or with a consumer. */
export function isActive(chunk: ChunkRow): chunk is ActiveChunk {
  return chunk.status === "queued" || chunk.status === "leased";
}

/** Whether the edge's consumer of this attempt has the chunk. */
export function isLeasedBy(chunk: ChunkRow, attempt: number): chunk is ActiveChunk {
  return chunk.status === "leased" && chunk.attempt === attempt && !isHeld(chunk);
}

function isHeld(chunk: ChunkRow): boolean {
  return (chunk.client ?? null) !== null;
}

/** A consumer gives its chunk back, nothing of it finished. */
export function releaseChunk(state: JobState, event: Extract<JobEvent, { kind: "release" }>): Draft | null {
  const { chunk, attempt, failure, nowMs } = event;
  if (!isLeasedBy(chunk, attempt) || state.status === "finalizing") return null;
  // The consumer lives: what it computed did not kill it. Where the store failed, it computed nothing: earlier deaths stand.
  const expiries = failure === null ? 0 : chunk.expiries;
  return giveBack(state, "leased", { ...chunk, expiries }, failure, nowMs);
}

/** The rest of a chunk whose first inputs are finished; it has no row yet. */
export function returnRest(state: JobState, rest: ChunkRow, failure: StoreFailure | null, nowMs: number): Draft {
  return failure === null
    ? putRows(state, null, [{ ...rest, status: "pending" }])
    : giveBack(state, null, rest, failure, nowMs);
}

function giveBack(
  state: JobState,
  from: "leased" | null,
  chunk: ChunkRow,
  failure: StoreFailure | null,
  nowMs: number,
): Draft {
  const pending: ChunkRow = { ...chunk, status: "pending", dueMs: 0 };
  if (!isWorking(state)) return putRows(state, from, [pending]);
  if (failure !== null && isOutage(failure)) {
    const waiting = awaitStore(state, failure, nowMs);
    return withEffects(waiting.effects, putRows(waiting.state, from, [pending]));
  }
  if (chunk.count === 1) return failAlone(state, from, chunk, failure?.code ?? "item_poisoned", nowMs);
  if (failure !== null) {
    // The store returns other objects: the first input is tried by itself, so that the rest need not wait for it.
    const [first, rest] = cutChunk(chunk, 1);
    const split: readonly ChunkRow[] = from === null ? [] : [{ ...chunk, status: "split", dueMs: 0 }];
    const cut = putRows(state, from, [...split, rest]);
    return withEffects(cut.effects, failAlone(cut.state, null, first, failure.code, nowMs));
  }
  const failures = (chunk.failures ?? 0) + 1;
  return failures >= state.rules.maxChunkAttempts
    ? halve(state, "leased", chunk)
    : sendLater(state, from, { ...chunk, failures }, failures, nowMs);
}

/** One more failure of a single input, which is tried again after a pause, or given up. */
function failAlone(state: JobState, from: "leased" | null, chunk: ChunkRow, code: ErrorCode, nowMs: number): Draft {
  const failures = (chunk.failures ?? 0) + 1;
  const failed = { ...chunk, failures };
  return failures >= state.rules.maxSingleFailures
    ? seal(state, from, failed, code, nowMs)
    : sendLater(state, from, failed, failures, nowMs);
}

function sendLater(state: JobState, from: "leased" | null, chunk: ChunkRow, failures: number, nowMs: number): Draft {
  const delaySeconds = backoffSeconds(failures, state.rules);
  const dueMs = nowMs + delaySeconds * 1000 + state.rules.resendMs;
  const queued = putRows(state, from, [{ ...chunk, status: "queued", dueMs }]);
  return { state: queued.state, effects: [...queued.effects, { kind: "send-chunk", chunkId: chunk.id, delaySeconds }] };
}

/** Replaces a row with the status `from` (`null` if there was none) by other rows, and counts them. */
function putRows(state: JobState, from: "queued" | "leased" | null, rows: readonly ChunkRow[]): Draft {
  const chunks = { ...state.chunks };
  if (from !== null) chunks[from] -= 1;
  for (const { status } of rows) {
    if (status === "sealed") chunks.done += 1;
    else if (status !== "split") chunks[status] += 1;
  }
  return { state: { ...state, chunks }, effects: rows.map((chunk) => ({ kind: "put-chunk", chunk })) };
}

/** Back to pending, without a message: the job is paused, stopping or waiting. */
export function unqueue(state: JobState, chunk: ActiveChunk): Draft {
  return putRows(state, chunk.status, [{ ...chunk, status: "pending", dueMs: 0, client: null }]);
}

/** Its message ended among the dead letters: sent again if nobody had taken the chunk, otherwise its consumer died. */
export function loseChunk(state: JobState, chunk: ChunkRow, nowMs: number): Draft | null {
  // A message from before a client took the chunk says nothing about it.
  if (!isActive(chunk) || isHeld(chunk)) return null;
  if (state.status === "finalizing") return null;
  if (!isWorking(state)) return unqueue(state, chunk);
  return chunk.status === "leased" ? breakChunk(state, chunk, nowMs) : resend(state, chunk, nowMs);
}

/** Called for a row whose time has come: send a lost message again, or take an expired lease for a death. */
export function dueChunk(state: JobState, chunk: ChunkRow, nowMs: number): Draft | null {
  if (!isActive(chunk) || nowMs < chunk.dueMs) return null;
  if (state.status === "finalizing") return null;
  if (!isWorking(state)) return unqueue(state, chunk);
  // A client that went away says nothing about the chunk: the edge takes it as it is.
  if (isHeld(chunk)) return takeBack({ ...state, ...countClientChunk(state, "expired", null) }, chunk, nowMs);
  return chunk.status === "leased" ? breakChunk(state, chunk, nowMs) : resend(state, chunk, nowMs);
}

function resend(state: JobState, chunk: ChunkRow, nowMs: number): Draft {
  return {
    state,
    effects: [
      { kind: "put-chunk", chunk: { ...chunk, dueMs: nowMs + state.rules.resendMs } },
      { kind: "send-chunk", chunkId: chunk.id, delaySeconds: 0 },
    ],
  };
}

/**
 * Halves a chunk whose consumer died. A single image is sealed when enough consumers died while they computed it; if they
 * died at other times, a restart or a lost machine is the likelier cause, and it takes far more deaths.
 */
function breakChunk(state: JobState, chunk: ActiveChunk, nowMs: number): Draft {
  if (chunk.count > 1) return halve(state, chunk.status, chunk);
  const failed = { ...chunk, failures: (chunk.failures ?? 0) + 1 };
  const { maxSingleExpiries, maxSingleFailures } = state.rules;
  return chunk.expiries >= maxSingleExpiries || failed.failures >= maxSingleFailures
    ? seal(state, chunk.status, failed, "item_poisoned", nowMs)
    : unqueue(state, failed);
}

function halve(state: JobState, from: "queued" | "leased", chunk: ChunkRow): Draft {
  return putRows(state, from, [{ ...chunk, status: "split", dueMs: 0 }, ...splitChunk(chunk)]);
}

function seal(
  state: JobState,
  from: "queued" | "leased" | null,
  chunk: ChunkRow,
  code: ErrorCode,
  nowMs: number,
): Draft {
  const counted: JobState = {
    ...state,
    outcomes: { ...state.outcomes, failed: state.outcomes.failed + chunk.count },
    errors: addErrors(state.errors, { [code]: chunk.count }),
    records: state.records + chunk.count,
  };
  return watchThreshold(putRows(counted, from, [sealChunk(chunk, code)]), nowMs);
}
