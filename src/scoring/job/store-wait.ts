/**
 * A job whose store is unavailable waits. Nothing is handed out until a pause is over, which grows with each failed try
 * (1, 2, 4 … seconds); then two chunks go out to probe the store. Once something is finished, the places open again one by
 * one, so that a throttling store is not stormed again. An outage costs time, but counts against no input and no attempt.
 */

import type { JobState } from "./job-state.ts";
import { backoffSeconds, type Draft, withEffects } from "./job-transition.ts";
import type { StoreFailure, StoreWait } from "./store-failure.ts";

/** Chunks that try a store at once after a pause: two, so that a single unreadable object is not mistaken for the store. */
const PROBES = 2;

/** Whether the store is at fault, and not one object in it. */
export function isOutage({ served, code }: StoreFailure): boolean {
  return !served || code === "store_throttled";
}

/** Starts or prolongs the wait for a store. Failures of chunks that were out together make one pause. */
export function awaitStore(state: JobState, failure: StoreFailure, nowMs: number): Draft {
  const { store, code } = failure;
  const before = state.waiting ?? null;
  const isSame = before !== null && before.store === store;
  if (isSame && nowMs < before.retryMs) return { state: { ...state, waiting: { ...before, code } }, effects: [] };
  const failures = (isSame ? before.failures : 0) + 1;
  const retryMs = nowMs + backoffSeconds(failures, state.rules) * 1000;
  const waiting: StoreWait = { store, code, sinceMs: isSame ? before.sinceMs : nowMs, failures, retryMs };
  return {
    state: { ...state, waiting, window: PROBES },
    effects: isSame ? [] : [{ kind: "announce", event: "status" }],
  };
}

/** Something was finished: the stores work, and one more chunk may be out. */
export function openWindow(draft: Draft): Draft {
  const { state } = draft;
  const { waiting = null, window = null } = state;
  if (window === null) return draft;
  const wider = window + 1 < state.rules.maxConcurrency ? window + 1 : null;
  const opened: JobState = { ...state, waiting: null, window: wider };
  const news = waiting === null ? [] : [{ kind: "announce", event: "status" } as const];
  return withEffects(draft.effects, { state: opened, effects: news });
}

/** Seconds until the store is tried again; 0 for a job that waits for none. */
export function pauseSeconds({ waiting }: JobState, nowMs: number): number {
  return Math.max(0, Math.ceil(((waiting?.retryMs ?? nowMs) - nowMs) / 1000));
}

/** Whether a chunk may be taken now: not during a pause, and after it only to probe. */
export function isServed(state: JobState, nowMs: number): boolean {
  const { waiting = null } = state;
  return waiting === null || (nowMs >= waiting.retryMs && state.chunks.leased < PROBES);
}
