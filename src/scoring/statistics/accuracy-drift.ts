/** Whether the model is right as often as in the runs before, by their reviews. */

import type { ReviewedRun } from "../records/reviewed-run.ts";
import type { ShareInterval } from "./intervals.ts";

/** Reviews that are remembered and compared with. */
export const MAX_REVIEWED_RUNS = 14;

/** The newest review against those before it. */
export interface AccuracyDrift {
  readonly newest: ReviewedRun;
  /** Mean accuracy of the reviews before, each counting the same. */
  readonly before: ShareInterval;
  readonly runs: number;
  /** Newest minus before, −1…1, with its 95 % interval. */
  readonly change: ShareInterval;
  /** True where the interval excludes 0: the change is not chance. */
  readonly settled: boolean;
}

/**
 * Compares the newest review with the mean of those before it. The intervals of the mean and of the difference are made of the
 * intervals of the parts (MOVER: Zou and Donner 2008, Statistics in Medicine 27:1693–1702), which need not be symmetric.
 * @param runs in the order of their due times
 * @returns `null` for fewer than two
 */
export function compareAccuracy(runs: readonly ReviewedRun[]): AccuracyDrift | null {
  const [newest, ...earlier] = runs.slice(-MAX_REVIEWED_RUNS).toReversed();
  if (newest === undefined || earlier.length === 0) return null;
  const count = earlier.length;
  const value = earlier.reduce((sum, { accuracy }) => sum + accuracy.value, 0) / count;
  const spread = (read: (share: ShareInterval) => number): number =>
    Math.hypot(...earlier.map(({ accuracy }) => read(accuracy) / count));
  const [down, up] = [spread((share) => share.value - share.low), spread((share) => share.high - share.value)];
  const { accuracy } = newest;
  const difference = accuracy.value - value;
  const change = {
    value: difference,
    low: Math.max(-1, difference - Math.hypot(accuracy.value - accuracy.low, up)),
    high: Math.min(1, difference + Math.hypot(accuracy.high - accuracy.value, down)),
  };
  return {
    newest,
    before: { value, low: Math.max(0, value - down), high: Math.min(1, value + up) },
    runs: count,
    change,
    settled: change.low > 0 || change.high < 0,
  };
}
