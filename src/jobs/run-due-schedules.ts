/** The cron's other work: schedules whose time has come. */

import type { Logger } from "../log.ts";
import { runDueSchedule, type ScheduleDeps } from "../scoring/schedules/run-schedule.ts";

/**
 * Makes the runs that are owed at `nowMs`. One schedule that fails does not keep the others from theirs, and is tried again.
 * @param nowMs when the cron fired; later than the clock only where a hand on this machine says so
 */
export async function runDueSchedules(deps: ScheduleDeps, nowMs: number, logger: Logger): Promise<void> {
  for (const record of await deps.schedules.listDueSchedules(nowMs, deps.limits.maxSchedulesPerTick)) {
    try {
      for (const { dueMs, jobId, failure } of await runDueSchedule(deps, record, nowMs)) {
        const fields = { schedule: record.id, dueAt: new Date(dueMs).toISOString(), job: jobId, failure };
        logger.log(failure === null ? "info" : "warn", "schedule_run", fields);
      }
    } catch (error) {
      logger.log("error", "schedule_failed", { schedule: record.id, error });
    }
  }
}
