/** Steps of ranges on their way. */

import type { JobEffect } from "./job-event.ts";
import type { JobState } from "./job-state.ts";
import type { JobTask } from "./job-task.ts";
import type { RangePhase, RangeRow } from "./range-row.ts";

/** Puts the range's current step on its way. */
export function sendRange(
  state: Pick<JobState, "rules">,
  phase: RangePhase,
  range: RangeRow,
  nowMs: number,
  delaySeconds: number,
): JobEffect[] {
  const task: JobTask = { ...range.task, status: "sent", dueMs: nowMs + delaySeconds * 1000 + state.rules.resendMs };
  return [
    { kind: "put-range", phase, range: { ...range, task } },
    { kind: "send-range", phase, range: range.number, step: task.step, delaySeconds },
  ];
}

/** The first steps of `count` ranges from `first` on. */
export function sendFirst(
  state: Pick<JobState, "rules">,
  phase: RangePhase,
  first: number,
  count: number,
  nowMs: number,
): JobEffect[] {
  return Array.from({ length: count }, (_, at) => {
    const task: JobTask = { step: 0, status: "waiting", attempt: 0, dueMs: 0 };
    return sendRange(state, phase, { number: first + at, task, checkpoint: null }, nowMs, 0);
  }).flat();
}
