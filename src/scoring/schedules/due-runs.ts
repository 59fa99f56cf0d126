/** Which runs a schedule owes, as a pure function. However late and however often it is called, every due time is settled once. */

import type { CronTimes } from "./cron.ts";

/** What to do now. */
export interface DuePlan {
  /** Due times to run, oldest first. */
  readonly runs: readonly number[];
  /** First and last due time that were missed and are not caught up; `null` if there are none. */
  readonly skipped: { readonly fromMs: number; readonly toMs: number } | null;
  /** Once `runs` are made, every due time up to here is settled. */
  readonly settledMs: number;
  /** The next due time; `null` if there are no more. */
  readonly nextMs: number | null;
}

/**
 * Plans the runs of one schedule.
 * @param settledMs every due time up to here has been run, refused or skipped
 * @param maxRuns how many of the newest missed due times are caught up; 1 where every run would read the same input
 */
export function planDueRuns(
  cron: CronTimes,
  { settledMs, nowMs, maxRuns }: { readonly settledMs: number; readonly nowMs: number; readonly maxRuns: number },
): DuePlan {
  // One more than may be run: it shows whether anything is skipped, and where that ends.
  const owed = cron.previous(nowMs, maxRuns + 1).filter((dueMs) => dueMs > settledMs);
  const runs = owed.slice(-maxRuns);
  const lastSkipped = owed.length > maxRuns ? owed[0] : undefined;
  return {
    runs,
    skipped: lastSkipped === undefined ? null : { fromMs: cron.next(settledMs) ?? lastSkipped, toMs: lastSkipped },
    settledMs: Math.max(settledMs, runs.at(-1) ?? settledMs),
    nextMs: cron.next(Math.max(settledMs, nowMs)),
  };
}

/** Makes the second submission of one run find the first one's job. */
export function runIdempotencyKey(scheduleId: string, dueMs: number): string {
  return `schedule:${scheduleId}:${new Date(dueMs).toISOString()}`;
}
