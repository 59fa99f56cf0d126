/** What the API needs; platform.ts wires it. */

import type { LendScorer } from "../scoring/chunk/scorer.ts";
import type { Logger } from "../log.ts";
import type { Caller } from "../scoring/access/access.ts";
import type { KeyDirectory } from "../scoring/access/api-key.ts";
import type { JobCoordinator } from "../scoring/job/coordinator-port.ts";
import type { Eraser } from "../scoring/erase/eraser-port.ts";
import type { JobEventRow } from "../scoring/job/job-rows.ts";
import type { JobView } from "../scoring/job/job-view.ts";
import type { Readiness } from "../scoring/operations/readiness.ts";
import type { DeadLetterDeps } from "../scoring/requests/dead-letters.ts";
import type { ScheduleDeps } from "../scoring/schedules/run-schedule.ts";
import type { VerifyDeps } from "../scoring/requests/verify.ts";

/** A job's coordinator with what only the API asks. */
export interface JobHandle extends JobCoordinator {
  view(): Promise<JobView | null>;
  /** Events after `afterId`; waits up to `waitMs` for one. */
  waitEvents(afterId: number, limit: number, waitMs: number): Promise<readonly JobEventRow[]>;
  /** Id of the key that made the job; `null` if there is no job. */
  owner(): Promise<string | null>;
  erase(): Promise<void>;
}

/** Who asks, where the deployment knows people otherwise than by keys. */
export interface CallerHook {
  /** `null`: whom the request's key or session names. */
  identify(request: Request): Promise<Caller | null>;
  /** Rights by id, for work that was asked for earlier; `null`: of no such caller. */
  recall(keyId: string): Promise<Caller | null>;
}

/** A folder of models. */
export interface ModelPlace {
  readonly store: string;
  /** Empty, or with its trailing slash. */
  readonly prefix: string;
}

/** The ports that the routes work with. */
export interface ApiDeps extends ScheduleDeps, DeadLetterDeps {
  openJob(jobId: string): JobHandle;
  openEraser(jobId: string): Eraser;
  readonly keys: KeyDirectory;
  /** The secret that makes the first keys; `null` if none is configured. */
  readonly adminKey: string | null;
  /** Accepted for requests to a loopback address only; `null` in production. */
  readonly devKey: string | null;
  readonly hook?: CallerHook;
  /** Where the API is mounted, for its description; empty or absent: at the root. */
  readonly basePath?: string;
  /** Lends scorers on the reference engine, for verification. */
  readonly withReference: VerifyDeps["withReference"];
  /** Whether a job could run now; cached. */
  readReadiness(): Promise<Readiness>;
  /** The text of `GET /metrics`. */
  readMetrics(): Promise<string>;
  /** Lends scorers on the engine that chunks are scored with: what clients are compared with. */
  readonly withScorer: LendScorer;
  /** The secret with which the webhooks of a key's jobs are signed; `null` if none is configured. */
  readonly readWebhookSecret: ((keyId: string) => Promise<string>) | null;
  /** False if `who` has asked too often. */
  limitRate(who: string): Promise<boolean>;
  readonly logger: Logger;
  readonly version: string;
  /** Where models of its own lie, if whatever comes to lie there can be named; `null` or absent: nowhere. */
  readonly modelPlace?: ModelPlace | null;
}
