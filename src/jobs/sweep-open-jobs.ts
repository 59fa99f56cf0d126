/**
 * The hourly cron's work: otherwise jobs whose alarm was lost would wait forever, and outputs would outlive their retention. The directory
 * gives one job at a time, the one that has waited longest, so that a sweep that ends early or is killed passes nobody over.
 */

import type { Logger } from "../log.ts";
import type { JobCoordinator } from "../scoring/job/coordinator-port.ts";
import { deleteJob, type DeleteJobDeps } from "../scoring/requests/delete-job.ts";
import type { Directory } from "../scoring/job/job-directory.ts";
import { isEnded } from "../scoring/job/job-status.ts";
import type { JobView } from "../scoring/job/job-view.ts";
import type { Limits } from "../scoring/limits.ts";

/** What the sweep needs of a job. */
export interface SweptJob extends Pick<JobCoordinator, "sweep"> {
  view(): Promise<JobView | null>;
}

/**
 * Sweeps jobs that are open or being rewritten as far as the directory knows: each at most once, `maxJobs` in all, four calls each.
 * A job that fails does not hold up the others.
 */
export async function sweepOpenJobs(
  directory: Pick<Directory, "takeOpenJob" | "update">,
  openJob: (id: string) => SweptJob,
  maxJobs: number,
  logger: Logger,
): Promise<void> {
  const swept = new Set<string>();
  while (swept.size < maxJobs) {
    const id = await directory.takeOpenJob();
    // The first one again: all have had their turn.
    if (id === null || swept.has(id)) return;
    swept.add(id);
    try {
      const job = openJob(id);
      await job.sweep();
      // The news of a job's end may have been lost on its way to the list.
      const view = await job.view();
      if (view !== null && isEnded(view.status)) await directory.update(view);
    } catch (error) {
      logger.log("error", "sweep_failed", { job: id, error });
    }
  }
}

/**
 * Deletes ended jobs whose `output.retentionDays` are over: `maxRetainedPerSweep` at most, four calls each, and `maxDeletePages` pages of
 * their objects, two calls each. A job that fails, or has more objects, is taken up by a later sweep, after those that have waited longer.
 */
export async function sweepRetainedJobs(
  deps: DeleteJobDeps & { readonly directory: Pick<Directory, "takeRetainedJob"> },
  limits: Pick<Limits, "maxRetainedPerSweep" | "maxDeletePages">,
  nowMs: number,
  logger: Logger,
): Promise<void> {
  let pages = 0;
  const takePage = (): boolean => pages++ < limits.maxDeletePages;
  for (let taken = 0; taken < limits.maxRetainedPerSweep && pages < limits.maxDeletePages; taken++) {
    const id = await deps.directory.takeRetainedJob(nowMs);
    if (id === null) return;
    try {
      const isGone = await deleteJob(deps, id, takePage);
      logger.log("info", isGone ? "job_retention_ended" : "job_retention_continues", { job: id });
    } catch (error) {
      logger.log("error", "retention_failed", { job: id, error });
    }
  }
}
