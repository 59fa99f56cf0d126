/** The cron's work: jobs whose alarm was lost would otherwise wait for ever, and outputs outlive their retention. */

import type { Logger } from "../log.ts";
import type { JobCoordinator } from "../scoring/coordinator-port.ts";
import { deleteJob, type DeleteJobDeps } from "../scoring/delete-job.ts";
import type { Directory } from "../scoring/directory.ts";
import { isEnded } from "../scoring/job-state.ts";
import type { JobView } from "../scoring/job-view.ts";

const PAGE = 100;

/** What the sweep needs of a job. */
export interface SweptJob extends Pick<JobCoordinator, "sweep"> {
  view(): Promise<JobView | null>;
}

/** Sweeps every job that the directory takes for open, or for being rewritten. One that fails does not keep the others from theirs. */
export async function sweepOpenJobs(
  directory: Directory,
  openJob: (id: string) => SweptJob,
  logger: Logger,
): Promise<void> {
  for await (const { id, status, erasure } of listAllJobs(directory)) {
    if (isEnded(status) && erasure?.status !== "running") continue;
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

/** Deletes every ended job whose `output.retentionDays` are over. One that fails is tried again by the next sweep. */
export async function sweepRetainedJobs(
  deps: DeleteJobDeps & { readonly directory: Directory },
  nowMs: number,
  logger: Logger,
): Promise<void> {
  for await (const { id, retainUntil } of listAllJobs(deps.directory)) {
    if (retainUntil === undefined || Date.parse(retainUntil) > nowMs) continue;
    try {
      await deleteJob(deps, id);
      logger.log("info", "job_retention_ended", { job: id, retainUntil });
    } catch (error) {
      logger.log("error", "retention_failed", { job: id, error });
    }
  }
}

async function* listAllJobs(directory: Directory): AsyncGenerator<JobView> {
  let cursor: string | null = null;
  do {
    const page = await directory.list({ cursor, limit: PAGE, owner: null });
    yield* page.jobs;
    cursor = page.cursor;
  } while (cursor !== null);
}
