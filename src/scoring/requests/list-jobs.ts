/** The list of jobs as its readers see it: the directory's, with those that go on as they are now. */

import type { Directory, JobPage } from "../job/job-directory.ts";
import { isEnded } from "../job/job-status.ts";
import type { JobView } from "../job/job-view.ts";

/** The ports that listing works with. */
export interface ListJobsDeps {
  readonly directory: Pick<Directory, "list">;
  openJob(jobId: string): { view(): Promise<JobView | null> };
}

/** Jobs of a page that are asked for themselves; the others show what they last told the directory. */
const MAX_ASKED = 20;

/**
 * A page of jobs, newest first. The directory hears of a job once per status, so its counts stand still while it runs: the newest
 * open jobs of the page are asked. A job that does not answer is shown as the directory knows it.
 */
export async function listJobs(deps: ListJobsDeps, options: Parameters<Directory["list"]>[0]): Promise<JobPage> {
  const page = await deps.directory.list(options);
  const asked = new Set(page.jobs.filter(({ status }) => !isEnded(status)).slice(0, MAX_ASKED));
  const jobs = page.jobs.map(async (known) => {
    if (!asked.has(known)) return known;
    const view = await deps
      .openJob(known.id)
      .view()
      .catch(() => null);
    return view ?? known;
  });
  return { ...page, jobs: await Promise.all(jobs) };
}
