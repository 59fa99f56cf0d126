/** The port to the list of all jobs: what `GET /v1/jobs` shows, and which request made which job. */

import type { Caller } from "../access/access.ts";
import type { JobFilter } from "./job-filter.ts";
import type { JobView } from "./job-view.ts";

/** The answer to a request for a job id under an idempotency key. */
export type Reservation =
  | { readonly kind: "new"; readonly jobId: string }
  /** The same request came before: its job. */
  | { readonly kind: "known"; readonly jobId: string }
  /** The key was used with another body. */
  | { readonly kind: "mismatch" }
  /** The owner has as many jobs as it may: those that have not ended, as far as is known, oldest first. */
  | { readonly kind: "full"; readonly openJobs: readonly { readonly jobId: string; readonly reservedMs: number }[] }
  /** The owner has used its images of the day. */
  | { readonly kind: "spent" }
  /** The owner has used up its budget of the month. */
  | { readonly kind: "spent_dollars" };

/** One page of the job list, newest first. */
export interface JobPage {
  /** Newest first. */
  readonly jobs: readonly JobView[];
  /** For the next page; `null` on the last. */
  readonly cursor: string | null;
}

/** The port to what all jobs share. */
export interface Directory {
  /** Notes a job before it is created, so that a repeated request finds it. Requests that repeat it may each go on to create it. */
  reserve(request: {
    readonly jobId: string;
    readonly idempotencyKey: string | null;
    readonly bodySha256: string;
    readonly nowMs: number;
    readonly owner: Pick<Caller, "keyId" | "maxJobs" | "maxImagesPerDay" | "budget">;
  }): Promise<Reservation>;
  /** Allows the reserved job to be created, and keeps {@link withdraw} from taking it back. False if that has happened: reserve again. */
  confirm(jobId: string): Promise<boolean>;
  /**
   * Takes a reservation back, and forgets the request that made it, unless one of its requests has confirmed it.
   * @param options.confirmed takes it back even so: for a job that was never created, although its requests must have ended
   */
  withdraw(jobId: string, options: { readonly confirmed: boolean }): Promise<void>;
  /** These jobs do not count as open any more: they ended. */
  release(jobIds: readonly string[]): Promise<void>;
  /** Notes that a job has `images` inputs. False, and nothing noted, if its owner's day would then hold more than `maxImagesPerDay`. */
  chargeImages(charge: {
    readonly jobId: string;
    readonly images: number;
    readonly maxImagesPerDay: number;
  }): Promise<boolean>;
  /**
   * Notes what a job has cost since it began, dollars; the difference to what was noted before counts in the month (UTC) of `nowMs`. Returns
   * what the jobs of its key may still cost in that month, `null`: anything.
   */
  charge(spent: { readonly jobId: string; readonly dollars: number; readonly nowMs: number }): Promise<number | null>;
  /**
   * Says whether a job wants the edge, and learns whether one of a higher priority does. Said again at each sweep: what was not
   * for `LIMITS.rankMs` no longer counts.
   */
  rank(standing: {
    readonly jobId: string;
    readonly priority: number;
    readonly wantsEdge: boolean;
    readonly nowMs: number;
    readonly rankMs: number;
  }): Promise<{ readonly outranked: boolean }>;
  /** The newest view of a job; an older one than is stored is ignored. */
  update(view: JobView): Promise<void>;
  /** @param options.owner id of a key; `null`: of all. @param options.filter by the views that jobs last sent; absent: none */
  list(options: {
    readonly cursor: string | null;
    readonly limit: number;
    readonly owner: string | null;
    readonly filter?: JobFilter;
  }): Promise<JobPage>;
  /** Forgets a job and the requests that made it; its images still count against its owner's day. */
  remove(jobId: string): Promise<void>;
  /**
   * Of the jobs that have not ended, or are being rewritten, the one that was taken the longest ago, or not yet since the others were;
   * from now on it is the last in the row. `null` if there is none.
   */
  takeOpenJob(): Promise<string | null>;
  /**
   * Of the ended jobs whose `retainUntil` has come, the one that waits longest; as long as it is there it is due again after `nowMs`,
   * behind the others. `null` if there is none.
   */
  takeRetainedJob(nowMs: number): Promise<string | null>;
}
