/** A store that is away: how a call of it failed, and how long a job has waited; what follows is in store-wait.ts. */

import type { ErrorCode } from "../../errors.ts";

/** A call of a store that failed for a reason that may pass, in all its attempts. */
export interface StoreFailure {
  readonly store: string;
  readonly code: ErrorCode;
  /** Whether the store answered other reads meanwhile: then it may be the one object that cannot be read. */
  readonly served: boolean;
}

/** The store that a job waits for. */
export interface StoreWait {
  readonly store: string;
  /** Of its last failure. */
  readonly code: ErrorCode;
  /** When the wait began, ms since the epoch. */
  readonly sinceMs: number;
  /** Tries in vain, each after a pause. */
  readonly failures: number;
  /** When it is tried again. */
  readonly retryMs: number;
}
