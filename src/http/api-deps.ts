/** What the API needs; worker.ts wires it. */

import type { Logger } from "../log.ts";
import type { JobCoordinator } from "../scoring/coordinator-port.ts";
import type { JobEventRow } from "../scoring/job-rows.ts";
import type { JobView } from "../scoring/job-view.ts";
import type { SubmitDeps } from "../scoring/submit.ts";

/** A job's coordinator with what only the API asks. */
export interface JobHandle extends JobCoordinator {
  view(): Promise<JobView | null>;
  /** Events after `afterId`; waits up to `waitMs` for one. */
  waitEvents(afterId: number, limit: number, waitMs: number): Promise<readonly JobEventRow[]>;
  erase(): Promise<void>;
}

export interface ApiKey {
  readonly id: string;
  /** SHA-256, lower-case hex. */
  readonly sha256: string;
}

export interface ApiDeps extends SubmitDeps {
  openJob(jobId: string): JobHandle;
  readonly keys: readonly ApiKey[];
  /** Accepted for requests to a loopback address only; `null` in production. */
  readonly devKey: string | null;
  readonly logger: Logger;
  readonly version: string;
}
