/** Erasing an image from all jobs of a caller: each job is asked to rewrite itself. */

import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { type Caller, requireGrant } from "../access/access.ts";
import type { Directory } from "../job/job-directory.ts";
import type { EraseAnswer, Eraser } from "./eraser-port.ts";
import type { EraseTarget } from "../job/erasure-state.ts";

/** The ports that erasing works with. */
export interface EraseRecordsDeps {
  openEraser(jobId: string): Pick<Eraser, "askErase">;
  /** @throws ScoringError `unknown_store` */
  openStore(name: string): ObjectStore;
  readonly directory: Pick<Directory, "list">;
  readonly limits: { readonly maxEraseJobs: number; readonly maxKeyBytes: number };
}

/** One image, and the page of the caller's jobs to ask. */
export interface EraseRequest extends EraseTarget {
  readonly store: string;
  readonly cursor: string | null;
}

/** The jobs of one page that hold the image or may hold it. */
export interface EraseAnswers {
  readonly jobs: readonly { readonly id: string; readonly answer: Exclude<EraseAnswer, "elsewhere"> }[];
  /** For the next page of jobs; `null` on the last. */
  readonly cursor: string | null;
}

/**
 * Asks one page of the caller's jobs (with an admin key, of all jobs) to erase an image.
 * @throws ScoringError `forbidden` for a key outside the caller's grants, `unknown_store`, `validation_failed`
 */
export async function eraseRecords(
  deps: EraseRecordsDeps,
  request: EraseRequest,
  caller: Caller,
): Promise<EraseAnswers> {
  const { store, key, id, cursor } = request;
  if (key === "" || new TextEncoder().encode(key).length > deps.limits.maxKeyBytes) {
    throw new ScoringError("validation_failed", `key must have 1 to ${deps.limits.maxKeyBytes} bytes`);
  }
  requireGrant(caller.grants, store, key);
  deps.openStore(store);
  const owner = caller.scopes.includes("admin") ? null : caller.keyId;
  const page = await deps.directory.list({ cursor, limit: deps.limits.maxEraseJobs, owner });
  const answers = await Promise.all(
    page.jobs.map(async (job) => ({ id: job.id, answer: await deps.openEraser(job.id).askErase(store, { key, id }) })),
  );
  const jobs = answers.flatMap((job) => (job.answer === "elsewhere" ? [] : [{ id: job.id, answer: job.answer }]));
  return { jobs, cursor: page.cursor };
}
