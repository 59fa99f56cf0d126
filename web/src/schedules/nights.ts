/** The finished runs of a schedule with their reports: what the drift chart draws. */

import { JOB_STATUS_FACTS } from "../../../src/scoring/job/job-status.ts";
import type { Report } from "../../../src/scoring/report/report.ts";
import type { ScheduleView } from "../../../src/scoring/schedules/schedule.ts";
import { api } from "../api.ts";

/** Nights that are drawn: two weeks, and one request each. */
const MAX_NIGHTS = 14;

/** One finished run. */
export interface Night {
  readonly dueAt: string;
  readonly jobId: string;
  readonly report: Report;
}

/** The newest finished runs, oldest first. A run whose report is gone is left out. */
export async function readNights(schedule: ScheduleView, signal: AbortSignal): Promise<readonly Night[]> {
  const finished = schedule.lastRuns.filter(({ job }) => job && JOB_STATUS_FACTS[job.status].whole);
  const nights = await Promise.all(
    finished.slice(0, MAX_NIGHTS).map(async ({ dueAt, jobId }): Promise<readonly Night[]> => {
      if (jobId === null) return [];
      const report = await api.readReport(jobId, signal).catch(() => null);
      return report === null ? [] : [{ dueAt, jobId, report }];
    }),
  );
  return nights.flat().sort((a, b) => (a.dueAt < b.dueAt ? -1 : 1));
}
