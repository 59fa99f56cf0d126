/** Deleting a job: its outputs, its entry in the list, then its own rows, so that after a kill it can be repeated. */

import { ScoringError } from "../../errors.ts";
import { deletePage, listPages } from "../../storage/list-pages.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import type { JobCoordinator } from "../job/coordinator-port.ts";
import type { Directory } from "../job/job-directory.ts";
import { isErasing } from "../job/erasure.ts";
import { isEnded } from "../job/job-status.ts";
import { jobFolder } from "../keys.ts";

/** What deleting needs of a job. */
export interface DeletableJob extends Pick<JobCoordinator, "read"> {
  /** Forgets all rows of the job. */
  erase(): Promise<void>;
}

/** The ports that deleting works with. */
export interface DeleteJobDeps {
  openJob(jobId: string): DeletableJob;
  /** @throws ScoringError `unknown_store` */
  openStore(name: string): ObjectStore;
  readonly directory: Pick<Directory, "remove">;
}

/**
 * Deletes an ended job with everything under its folder. May be repeated after a kill at any point.
 * @param takePage asked before each page of at most 1,000 objects, a listing and a delete; false stops for now
 * @returns false if objects may be left, and so the job is
 * @throws ScoringError `not_found`, `conflict` for a job that has not ended
 */
export async function deleteJob(deps: DeleteJobDeps, id: string, takePage = (): boolean => true): Promise<boolean> {
  const job = deps.openJob(id);
  const known = await job.read();
  if (known === null) {
    // The rows are deleted last: a list entry that outlives them still has to be removed.
    await deps.directory.remove(id);
    throw new ScoringError("not_found", `there is no job ${id}`);
  }
  const { spec, state } = known;
  if (!isEnded(state.status)) throw new ScoringError("conflict", `the job is ${state.status}: cancel it first`);
  // A step that is under way would write into the folder once more.
  if (isErasing(state))
    throw new ScoringError("conflict", "an image is being erased from the job: delete the job after that");
  const { output } = spec.manifest;
  if (!(await deleteFolder(deps.openStore(output.store), jobFolder(output.prefix, id), takePage))) return false;
  await deps.directory.remove(id);
  await job.erase();
  return true;
}

async function deleteFolder(store: ObjectStore, prefix: string, takePage: () => boolean): Promise<boolean> {
  const pages = listPages(store, prefix);
  while (takePage()) {
    const { value: page } = await pages.next();
    if (page !== undefined) await deletePage(store, page);
    if (page?.cursor === undefined) return true;
  }
  return false;
}
