import type { JobPage } from "../../src/scoring/job/job-directory.ts";
import { NO_FILTER } from "../../src/scoring/job/job-filter.ts";
import type { connect } from "./connection.ts";

/** Jobs per answer; the server gives no more. */
const PAGE_JOBS = 100;

/**
 * The jobs of this key, the newest first, asked for page by page as they are read.
 * @param limit at most this many; the server refuses less than 1
 * @param filter only those that pass
 */
export async function* readJobs(
  api: Pick<ReturnType<typeof connect>, "listJobs">,
  limit = Number.MAX_SAFE_INTEGER,
  filter = NO_FILTER,
): AsyncGenerator<JobPage["jobs"][number]> {
  let left = limit;
  let cursor: string | null = null;
  do {
    const after: { cursor?: string } = cursor === null ? {} : { cursor };
    const page: JobPage = await api.listJobs({ limit: Math.min(PAGE_JOBS, left), filter, ...after });
    yield* page.jobs;
    left -= page.jobs.length;
    cursor = page.cursor;
  } while (cursor !== null && left > 0);
}
