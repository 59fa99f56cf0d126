/** What consumers and the API ask of a job's coordinator to erase an image; every call may be repeated. */

import type { JobCoordinator } from "../job/coordinator-port.ts";
import type { JobSpec } from "../job/job-spec.ts";
import type { JobState } from "../job/job-state.ts";
import type { JobFailure } from "../job/job-task.ts";
import type { ChunkRow } from "../job/chunk-row.ts";
import type { Erasure, EraseOutcome, EraseTarget } from "../job/erasure-state.ts";

/**
 * - `erasing`: the job may hold the image and is being rewritten without it.
 * - `unfinished`: it may hold the image once it has ended; ask again then.
 * - `elsewhere`: its input cannot have named the image, or there is no job.
 * - `full`: too many images are waiting already; ask again later.
 */
export type EraseAnswer = "erasing" | "unfinished" | "elsewhere" | "full";

/** The right to run one erasing step. */
export interface EraseTicket {
  readonly spec: JobSpec;
  readonly state: JobState;
  readonly erasure: Erasure;
  readonly step: number;
  readonly attempt: number;
}

/** What one erasing step did. */
export interface EraseReport {
  readonly step: number;
  readonly attempt: number;
  readonly outcome: EraseOutcome;
  /** Chunks of the new generation that this step wrote. */
  readonly staged: readonly ChunkRow[];
  /** Forget what earlier steps staged: rebuilding starts (again). */
  readonly restaged: boolean;
}

/** The port to a job's erasure. */
export interface Eraser extends Pick<JobCoordinator, "listChunks" | "listOrphans"> {
  /** @param store the store that holds the image */
  askErase(store: string, target: EraseTarget): Promise<EraseAnswer>;
  beginErase(step: number): Promise<EraseTicket | null>;
  commitErase(report: EraseReport): Promise<boolean>;
  retryErase(step: number, attempt: number, failure: JobFailure, isFatal: boolean): Promise<boolean>;
}
