/** Merging a data set: many ranges at once; when all are done, they are joined. */

import type { JobEffect } from "./job-event.ts";
import type { JobState } from "./job-state.ts";
import { sendTask } from "./job-tasks.ts";
import type { Draft } from "./job-transition.ts";
import { cutRanges, type MergeProgress } from "./merge-range.ts";
import { sendFirst } from "./range-steps.ts";

/** Begins to merge: with one output of each kind by the finalizing task, or range by range. */
export function beginMerging({ state, effects }: Draft, nowMs: number): Draft {
  const { partRows } = state.rules;
  if (partRows === undefined) return sendTask(state, "finalize", nowMs, effects);
  const merge = cutRanges(state.listed, state.records, partRows);
  return goOn({ ...state, merge }, merge, nowMs, effects);
}

/** Sends as many ranges as may be under way, or, when all are merged, the step that joins them. At most `maxConcurrency` in one event. */
function goOn(state: JobState, merge: MergeProgress, nowMs: number, effects: readonly JobEffect[]): Draft {
  if (merge.done === merge.total) return sendTask({ ...state, merge }, "finalize", nowMs, effects);
  const places = Math.min(state.rules.maxConcurrency, state.window ?? Number.POSITIVE_INFINITY);
  const count = Math.max(0, Math.min(merge.total - merge.begun, places - (merge.begun - merge.done)));
  return {
    state: { ...state, merge: { ...merge, begun: merge.begun + count } },
    effects: [...effects, ...sendFirst(state, "merge", merge.begun, count, nowMs)],
  };
}

/** A range is merged: more may begin, or all are joined. */
export function noteMerged({ state, effects }: Draft, nowMs: number): Draft {
  if (state.merge === undefined) return { state, effects };
  const merge = { ...state.merge, done: state.merge.done + 1 };
  return goOn(state, merge, nowMs, [...effects, { kind: "announce", event: "progress" }]);
}
