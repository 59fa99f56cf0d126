/** What a job tells of itself between two changes of its status. */

import type { JobEffect } from "./job-event.ts";
import type { JobState } from "./job-state.ts";
import { isEnded } from "./job-status.ts";
import type { Draft } from "./job-transition.ts";

/** Whether an open job has nothing to do before something comes in. */
export function isIdle({ open, status, chunks, plan }: JobState): boolean {
  if (open === undefined || open.sealedMs !== null || isEnded(status)) return false;
  const { pending, queued, leased } = chunks;
  return open.received === open.planned && plan.status === "waiting" && pending + queued + leased === 0;
}

/** Announces progress, at most every `progressMs`; always what comes in last before a job pauses or waits for inputs, since nothing follows it. */
export function progress(state: JobState, effects: readonly JobEffect[], nowMs: number): Draft {
  const isLast = (state.status === "paused" && state.chunks.leased === 0) || isIdle(state);
  if (!isLast && nowMs - state.announcedMs < state.rules.progressMs) return { state, effects };
  return { state: { ...state, announcedMs: nowMs }, effects: [...effects, { kind: "announce", event: "progress" }] };
}
