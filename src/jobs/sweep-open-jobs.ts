/** The cron's work: jobs whose alarm was lost would otherwise wait for ever. */

import type { Logger } from "../log.ts";
import type { JobCoordinator } from "../scoring/coordinator-port.ts";
import type { Directory } from "../scoring/directory.ts";
import { isEnded } from "../scoring/job-state.ts";

const PAGE = 100;

/** Sweeps every job that the directory takes for open. One that fails does not keep the others from theirs. */
export async function sweepOpenJobs(
  directory: Directory,
  openJob: (id: string) => JobCoordinator,
  logger: Logger,
): Promise<void> {
  let cursor: string | null = null;
  do {
    const page = await directory.list({ cursor, limit: PAGE, owner: null });
    for (const { id, status } of page.jobs) {
      if (isEnded(status)) continue;
      try {
        await openJob(id).sweep();
      } catch (error) {
        logger.log("error", "sweep_failed", { job: id, error });
      }
    }
    cursor = page.cursor;
  } while (cursor !== null);
}
