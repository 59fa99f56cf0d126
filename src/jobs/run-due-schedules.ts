/** The work of the five-minute cron: schedules that are due. */

import type { Logger } from "../log.ts";
import { runDueSchedule, type ScheduleDeps } from "../scoring/schedules/run-schedule.ts";

/**
 * Makes the runs that are owed at `nowMs`, for at most `maxSchedulesPerTick` schedules and `maxRunsPerTick` runs. A schedule
 * that fails does not hold up the others, and is tried again after those that have waited longer.
 * @param nowMs when the cron fired; later than the clock only if somebody on this machine says so
 */
export async function runDueSchedules(deps: ScheduleDeps, nowMs: number, logger: Logger): Promise<void> {
  const { maxSchedulesPerTick, maxRunsPerTick, maxCatchUpRuns } = deps.limits;
  let runs = 0;
  for (let taken = 0; taken < maxSchedulesPerTick && runs < maxRunsPerTick; taken++) {
    const record = await deps.schedules.takeDueSchedule(nowMs);
    if (record === null) return;
    try {
      const made = await runDueSchedule(deps, record, nowMs);
      runs += made.length;
      for (const { dueMs, jobId, failure } of made) {
        const fields = { schedule: record.id, dueAt: new Date(dueMs).toISOString(), job: jobId, failure };
        logger.log(failure === null ? "info" : "warn", "schedule_run", fields);
      }
    } catch (error) {
      // How many runs it made before failing is not known: count the most that it may have made.
      runs += maxCatchUpRuns;
      logger.log("error", "schedule_failed", { schedule: record.id, error });
    }
  }
}
