/** The work of the five-minute cron: schedules that are due, and those with something to look after. */

import type { Logger } from "../log.ts";
import { lookAtSchedule } from "../scoring/schedules/look-at-schedule.ts";
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

/**
 * Looks after at most `maxLooksPerTick` schedules: draws reviews of runs that have ended, judges them, sends alerts. A schedule that fails
 * does not hold up the others, and is looked at again after `lookLeaseMs`.
 */
export async function lookAtSchedules(deps: ScheduleDeps, nowMs: number, logger: Logger): Promise<void> {
  const { maxLooksPerTick, lookLeaseMs } = deps.limits;
  for (let taken = 0; taken < maxLooksPerTick; taken++) {
    const look = await deps.schedules.takeScheduleLook(nowMs, lookLeaseMs);
    if (look === null) return;
    const { scheduleId: schedule } = look;
    try {
      const result = await lookAtSchedule(deps, look, nowMs);
      if (result === null) continue;
      const { drawn, alerts, sent, failed } = result;
      for (const job of drawn) logger.log("info", "review_drawn", { schedule, job });
      for (const { dueMs, ...alert } of alerts)
        logger.log("warn", "schedule_alert", { schedule, dueAt: new Date(dueMs).toISOString(), ...alert });
      for (const failure of failed) logger.log("warn", "alert_not_sent", { schedule, failure });
      if (sent > 0) logger.log("info", "alerts_sent", { schedule, sent });
    } catch (error) {
      logger.log("error", "look_failed", { schedule, error });
    }
  }
}
