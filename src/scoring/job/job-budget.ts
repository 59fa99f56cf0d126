/** What a job may cost: when it has to pause, and how much of it may be under way. */

import { estimateCpuMs, estimateMerge, estimateRows, OPERATIONS_PER_MESSAGE, priceJob } from "./job-cost.ts";
import { readMeter } from "./job-meter.ts";
import type { JobState } from "./job-state.ts";
import type { Workload } from "./job-workload.ts";
import { countFinished } from "./outcome-counts.ts";

/**
 * Dollars of what is done, with the merging that its end will take: so that the receipt of a job that is canceled when its budget is used up
 * stays within it. What was read and written is counted, CPU and merging are calculated.
 */
export function sumDollars(state: JobState, workload: Workload): number {
  const meter = readMeter(state);
  const merge = estimateMerge(state.listed, state.chunks.done);
  const messages = meter.messages + merge.steps - 1;
  // What the end of the job left out was not computed.
  const inputs = countFinished(state.outcomes) - state.outcomes.cancelled - state.outcomes.expired;
  const cpuMs = estimateCpuMs({ ...workload, inputs, bytes: state.readBytes, chunks: state.chunks.done });
  return priceJob(cpuMs, messages, {
    classA: meter.planning.writes + meter.scoring.writes + merge.operations.writes,
    classB: meter.planning.reads + meter.scoring.reads + merge.operations.reads,
    queue: OPERATIONS_PER_MESSAGE * messages,
    durableObject: meter.calls + 2 * merge.steps,
    rowsWritten: estimateRows(state.chunks.done, state.pages, state.open?.received),
  }).dollars;
}

/**
 * How many chunks may go out besides those that are out, so that all of them together stay within the job's budget: each is taken to cost what
 * those before it did on average. `null`: as many as one likes.
 */
export function countAffordable(state: JobState): number | null {
  const { budget, rules } = state;
  if (budget === undefined || rules.workload === undefined) return null;
  const dollars = sumDollars(state, rules.workload);
  const left = budget - dollars;
  if (left <= 0) return 0;
  const { done, queued, leased } = state.chunks;
  // The first chunks show what one costs.
  if (done === 0) return null;
  const each = dollars / done;
  return Math.max(0, Math.floor(left / each) - queued - leased);
}

/**
 * Whether a job has to pause: work is left, and nothing of it can be afforded. A job whose last chunks are out, or done, goes on to its end:
 * what that takes is in what it cost already.
 */
export function isSpent(state: JobState): boolean {
  const { pending, queued, leased } = state.chunks;
  if (queued + leased > 0 || (pending === 0 && state.plan.status === "done")) return false;
  return countAffordable(state) === 0;
}
