/** The job that a path names. */

import { ScoringError } from "../errors.ts";
import type { ApiDeps, JobHandle } from "./api-deps.ts";

/** The job's handle, or 404. */
export async function requireJob(deps: ApiDeps, id: string): Promise<JobHandle> {
  const job = deps.openJob(id);
  if ((await job.read()) === null) throw new ScoringError("not_found", `there is no job ${id}`);
  return job;
}
