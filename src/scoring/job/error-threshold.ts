/** The share of failed inputs above which a job is not worth continuing. */

import { DISPOSITIONS, ERROR_CODES } from "../../errors.ts";
import type { JobState } from "./job-state.ts";
import type { JobFailure } from "./job-task.ts";
import { type Draft, fail, withEffects } from "./job-transition.ts";
import { countFinished } from "./outcome-counts.ts";

/** Fails the job if this outcome crossed its error threshold. */
export function watchThreshold(draft: Draft, nowMs: number): Draft {
  return overThreshold(draft.state)
    ? withEffects(draft.effects, fail(draft.state, thresholdFailure(draft.state), nowMs)!)
    : draft;
}

/** Whether enough inputs failed, after the minimum sample, for the job to fail. */
export function overThreshold(state: JobState): boolean {
  const finished = countFinished(state.outcomes);
  const share = countFaulty(state) / Math.max(1, finished);
  return finished >= state.rules.errorMinimumSample && share > state.rules.errorThreshold && state.verdict === null;
}

/** The failure of a job whose error threshold was crossed. */
export function thresholdFailure(state: JobState): JobFailure {
  const finished = countFinished(state.outcomes);
  return {
    code: "error_threshold",
    message: `${countFaulty(state)} of ${finished} inputs failed, above the threshold of ${state.rules.errorThreshold}`,
  };
}

/** Failed inputs, except those that a store did not return: they say nothing about the input. */
function countFaulty({ outcomes, errors }: JobState): number {
  const passing = ERROR_CODES.filter((code) => DISPOSITIONS[code] === "transient");
  return passing.reduce((sum, code) => sum - (errors[code] ?? 0), outcomes.failed);
}
