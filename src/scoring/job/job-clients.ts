/**
 * What clients do to a job: they take chunks, renew them, give them back, and may be caught lying. A chunk that comes back from a
 * client goes to the edge at once, by a message of its own, and is not offered to clients again.
 */

import type { Issue } from "../../errors.ts";
import { countAffordable } from "./job-budget.ts";
import type { JobState } from "./job-state.ts";
import type { ChunkRow, ClientHold } from "./chunk-row.ts";
import { type Draft, enter, isWorking } from "./job-transition.ts";
import type { JobEffect } from "./job-event.ts";

/** Whether pending chunks go to the edge now: always, but with `client` only once no client has asked for a while. */
export function isForEdge(state: JobState, nowMs: number): boolean {
  if (state.rules.execution !== "client") return true;
  return nowMs - (state.clientSeenMs ?? state.createdMs) >= (state.rules.clientWaitMs ?? 0);
}

/** Whether a client may have this chunk: waiting, or (with `auto`) in the queue and never leased before. */
export function isOffered(state: JobState, chunk: ChunkRow): boolean {
  const { execution, maxConcurrency } = state.rules;
  if (execution !== "client" && execution !== "auto") return false;
  if (chunk.status === "pending") return state.chunks.queued + state.chunks.leased < maxConcurrency;
  return execution === "auto" && chunk.status === "queued" && chunk.attempt === 0;
}

/** Grants a chunk to a client; not to a blocked one. Its message, if one is under way, will find it taken. */
export function leaseToClient(state: JobState, chunk: ChunkRow, hold: ClientHold, nowMs: number): Draft | null {
  if (state.status !== "queued" && state.status !== "running") return null;
  // A client's reads come out of the same store.
  if ((state.waiting ?? null) !== null) return null;
  if (countAffordable(state) === 0) return null;
  if (!isOffered(state, chunk) || (state.blockedKeys ?? []).includes(hold.keyId)) return null;
  const from = chunk.status === "pending" ? "pending" : "queued";
  const leased: ChunkRow = {
    ...chunk,
    status: "leased",
    attempt: chunk.attempt + 1,
    dueMs: nowMs + (state.rules.unwatchedLeaseMs ?? state.rules.leaseMs),
    client: hold,
  };
  const { chunks } = state;
  const moved: JobState = {
    ...state,
    chunks: { ...chunks, [from]: chunks[from] - 1, leased: chunks.leased + 1 },
    clientSeenMs: nowMs,
  };
  const effects: JobEffect[] = [{ kind: "put-chunk", chunk: leased }];
  return state.status === "queued" ? enter(moved, "running", nowMs, effects) : { state: moved, effects };
}

/** Moves the deadline of a held chunk. A blocked key's other chunks run out. */
export function renewClient(state: JobState, chunk: ChunkRow, hold: ClientHold, nowMs: number): Draft | null {
  if (!isHeldBy(chunk, hold) || !isWorking(state) || nowMs >= chunk.dueMs) return null;
  if ((state.blockedKeys ?? []).includes(hold.keyId)) return null;
  const renewed: ChunkRow = { ...chunk, dueMs: nowMs + (state.rules.unwatchedLeaseMs ?? state.rules.leaseMs) };
  return { state: { ...state, clientSeenMs: nowMs }, effects: [{ kind: "put-chunk", chunk: renewed }] };
}

/** The client gives its chunk back, for example a page that is closed. */
export function returnFromClient(state: JobState, chunk: ChunkRow, hold: ClientHold, nowMs: number): Draft | null {
  return isHeldBy(chunk, hold) && state.status !== "finalizing" ? takeBack(state, chunk, nowMs) : null;
}

/** The client's records disagree with the edge's: the chunk goes to the edge, and the key gets no more of this job. */
export function rejectClient(
  state: JobState,
  chunk: ChunkRow,
  hold: ClientHold,
  issue: Issue,
  nowMs: number,
): Draft | null {
  if (!isHeldBy(chunk, hold) || state.status === "finalizing") return null;
  const blocked = state.blockedKeys ?? [];
  const told: JobState = {
    ...state,
    ...countClientChunk(state, "rejected", null),
    blockedKeys: blocked.includes(hold.keyId) ? blocked : [...blocked, hold.keyId],
    issues: state.issues.length < state.rules.maxIssues ? [...state.issues, issue] : state.issues,
  };
  return takeBack(told, chunk, nowMs);
}

/** A held chunk to the edge's queue; back to pending in a job that is paused or stopping. */
export function takeBack(state: JobState, chunk: ChunkRow, nowMs: number): Draft {
  const to = isWorking(state) ? "queued" : "pending";
  const dueMs = to === "queued" ? nowMs + state.rules.resendMs : 0;
  const effects: JobEffect[] = [{ kind: "put-chunk", chunk: { ...chunk, status: to, dueMs, client: null } }];
  if (to === "queued") effects.push({ kind: "send-chunk", chunkId: chunk.id, delaySeconds: 0 });
  const { chunks } = state;
  return { state: { ...state, chunks: { ...chunks, leased: chunks.leased - 1, [to]: chunks[to] + 1 } }, effects };
}

/** The counts after one more chunk of this kind; `nowMs` where it shows that a client is there. */
export function countClientChunk(
  state: JobState,
  kind: "done" | "expired" | "rejected",
  nowMs: number | null,
): Pick<JobState, "clientChunks" | "clientSeenMs"> {
  const counts = state.clientChunks ?? { done: 0, expired: 0, rejected: 0 };
  const seen = nowMs === null ? {} : { clientSeenMs: nowMs };
  return { clientChunks: { ...counts, [kind]: counts[kind] + 1 }, ...seen };
}

function isHeldBy(chunk: ChunkRow, hold: ClientHold): boolean {
  return chunk.status === "leased" && chunk.client?.nonce === hold.nonce && chunk.client.keyId === hold.keyId;
}
