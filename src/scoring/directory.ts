/** The port to the list of all jobs: what `GET /v1/jobs` shows, and which request made which job. */

import type { JobView } from "./job-view.ts";

export type Reservation =
  | { readonly kind: "new"; readonly jobId: string }
  /** The same request came before: its job. */
  | { readonly kind: "known"; readonly jobId: string }
  /** The key was used with another body. */
  | { readonly kind: "mismatch" };

export interface JobPage {
  /** Newest first. */
  readonly jobs: readonly JobView[];
  /** For the next page; `null` on the last. */
  readonly cursor: string | null;
}

export interface Directory {
  /** Notes a job before it is created, so that a repeated request finds it. */
  reserve(request: {
    readonly jobId: string;
    readonly idempotencyKey: string | null;
    readonly bodySha256: string;
    readonly nowMs: number;
  }): Promise<Reservation>;
  /** The newest view of a job; an older one than is stored is ignored. */
  update(view: JobView): Promise<void>;
  list(options: { readonly cursor: string | null; readonly limit: number }): Promise<JobPage>;
  remove(jobId: string): Promise<void>;
}
