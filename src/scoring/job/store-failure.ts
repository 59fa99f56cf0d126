/** A store that is unavailable: how its call failed, and how long a job has waited; store-wait.ts handles it. */

import type { ErrorCode } from "../../errors.ts";

/** A call of a store that failed for a transient reason in all its attempts. */
export interface StoreFailure {
  readonly store: string;
  readonly code: ErrorCode;
  /** Whether the store answered other reads in the meantime: then only the one object may be unreadable. */
  readonly served: boolean;
}

/** The store that a job waits for. */
export interface StoreWait {
  readonly store: string;
  /** Of its last failure. */
  readonly code: ErrorCode;
  /** When the wait began, ms since the epoch. */
  readonly sinceMs: number;
  /** Failed tries, each after a pause. */
  readonly failures: number;
  /** When it is tried again. */
  readonly retryMs: number;
}
