/**
 * A feed: a schedule whose runs are open jobs. Inputs go to its newest run; the next due time opens another and seals those before, so
 * that what comes in between two due times ends as one data set.
 */

import type { Issue } from "../../errors.ts";
import type { JobCoordinator } from "../job/coordinator-port.ts";
import { isEnded } from "../job/job-status.ts";
import type { CronTimes } from "./cron.ts";
import type { ScheduleDirectory, ScheduleRecord, ScheduleRunRecord } from "./schedule.ts";
import { hasWindow } from "./window.ts";

/** Runs that are looked through for the newest job, and for those that are not sealed yet. */
export const RECENT_RUNS = 10;
/** The cron comes every five minutes, and a run is sealed once the next one is open. */
const SEAL_MARGIN_MS = 30 * 60_000;

/** The ports of sealing runs. */
export interface SealDeps {
  readonly schedules: Pick<ScheduleDirectory, "listScheduleRuns">;
  openJob(jobId: string): Pick<JobCoordinator, "seal">;
}

/** Whether a schedule's runs are open jobs. */
export function isFeed({ manifest }: Pick<ScheduleRecord, "manifest">): boolean {
  const { input } = manifest;
  return typeof input === "object" && input !== null && "open" in input && input.open === true;
}

/** What cannot be right about a feed, beside what cannot be right about any manifest. */
export function checkFeed(
  record: Pick<ScheduleRecord, "manifest">,
  cron: CronTimes,
  fromMs: number,
  openSeconds: number,
): readonly Issue[] {
  if (!isFeed(record)) return [];
  const issues: Issue[] = [];
  if (hasWindow(record.manifest)) {
    const message = "what comes in has no window: leave placeholders to the name and to output.prefix";
    issues.push({ path: "manifest.input.prefix", code: "not_supported", message });
  }
  const dueMs = cron.next(fromMs);
  const nextMs = dueMs === null ? null : cron.next(dueMs);
  if (dueMs !== null && nextMs !== null && nextMs - dueMs + SEAL_MARGIN_MS > openSeconds * 1000) {
    const message = `a run is sealed by the next one, and would expire before: at most ${openSeconds} seconds less half an hour may lie between two`;
    issues.push({ path: "cron", code: "too_far_apart", message });
  }
  return issues;
}

/** Seals the runs of a feed but this one, which is the newest; those that have ended, or were sealed before, stay as they are. */
export async function sealEarlierRuns(deps: SealDeps, { scheduleId, dueMs, jobId }: ScheduleRunRecord): Promise<void> {
  for (const run of await deps.schedules.listScheduleRuns(scheduleId, RECENT_RUNS)) {
    if (run.jobId === null || run.jobId === jobId || run.dueMs >= dueMs) continue;
    if (run.job === null || !isEnded(run.job.status)) await deps.openJob(run.jobId).seal();
  }
}
