/** The other cron's work: schedules whose time has come. */

import type { Logger } from "../log.ts";
import { runDueSchedule, type ScheduleDeps } from "../scoring/schedules/run-schedule.ts";

/**
 * Makes the runs that are owed at `nowMs`, of `maxSchedulesPerTick` schedules at most and until there are `maxRunsPerTick`. One schedule
 * that fails does not keep the others from theirs, and is tried again after those that wait longer.
 * @param nowMs when the cron fired; later than the clock only where a hand on this machine says so
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
      // How many it made before is not known: as many as there can be.
      runs += maxCatchUpRuns;
      logger.log("error", "schedule_failed", { schedule: record.id, error });
    }
  }
}
