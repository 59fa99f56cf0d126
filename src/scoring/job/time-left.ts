/** How long a job still takes: what is left to list, to score and, of a data set, to merge. */

import type { JobState } from "./job-state.ts";
import { isEnded } from "./job-status.ts";
import { countFinished } from "./outcome-counts.ts";

/** Seconds of merging one chunk into its part: a step of 200 takes about nine (docs/scale.md). */
const MERGE_SECONDS_PER_CHUNK = 9 / 200;

/**
 * Whole seconds until the job has ended, as far as what it has done so far tells; `null` if it does not: before the rate is known, while
 * one page is listed after the other, since nobody knows how many follow, and while single files are merged.
 */
export function estimateSeconds(state: JobState, nowMs: number): number | null {
  if (isEnded(state.status)) return 0;
  if (state.status === "finalizing") return toSeconds(estimateMerging(state, nowMs));
  const { perSecond, atMs } = state.rate;
  const inputs = estimateInputs(state);
  if (state.status !== "running" || perSecond === null || perSecond <= 0 || inputs === null) return null;
  const finished = countFinished(state.outcomes);
  const scoring = Math.max(0, (inputs - finished) / perSecond - (nowMs - atMs) / 1000);
  const planning = estimatePlanning(state, nowMs);
  // Scoring goes on beside planning, merging begins when both are over.
  return planning === null ? null : toSeconds(Math.max(planning, scoring) + expectMerging(state, inputs));
}

const toSeconds = (seconds: number | null): number | null => (seconds === null ? null : Math.round(seconds));

/** All inputs of the job: of ranges that are not taken yet, as many as the others have on average. */
function estimateInputs({ plan, scan, listed }: JobState): number | null {
  if (plan.status === "done") return listed;
  return scan === undefined || scan.taken === 0 ? null : Math.round((listed * scan.total) / scan.taken);
}

/** Listing goes on as fast as it went so far. */
function estimatePlanning({ plan, scan, createdMs }: JobState, nowMs: number): number | null {
  if (plan.status === "done") return 0;
  if (scan === undefined || scan.taken === 0) return null;
  return ((nowMs - createdMs) / 1000) * (scan.total / scan.taken - 1);
}

/** Merging of a data set before it has begun: its parts side by side. */
function expectMerging({ rules, records, listed, outcomes, chunks }: JobState, inputs: number): number {
  if (rules.partRows === undefined || listed === 0) return 0;
  const finished = Math.max(1, countFinished(outcomes));
  const parts = Math.max(1, Math.ceil((inputs * Math.max(1, records / finished)) / rules.partRows));
  const planned = chunks.pending + chunks.queued + chunks.leased + chunks.done;
  const chunksPerPart = (planned * inputs) / listed / parts;
  return Math.ceil(parts / rules.maxConcurrency) * chunksPerPart * MERGE_SECONDS_PER_CHUNK;
}

/** Merging that is under way: the parts that are left, as fast as those that are done. */
function estimateMerging({ merge, times }: JobState, nowMs: number): number | null {
  if (merge === undefined || merge.done === 0 || times.finalizing === undefined) return null;
  return ((nowMs - times.finalizing) / 1000) * (merge.total / merge.done - 1);
}
