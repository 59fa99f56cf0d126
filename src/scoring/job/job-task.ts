/** The sequential tasks of a job, planning and finalizing, and why a job failed. */

import type { ErrorCode } from "../../errors.ts";

/** A sequential piece of work of which at most one step is under way: planning, finalizing. */
export interface JobTask {
  /** Next step to run, from 0. */
  readonly step: number;
  readonly status: "waiting" | "sent" | "leased" | "done";
  /** Deliveries of this step so far. */
  readonly attempt: number;
  /** Of this step, deliveries that failed by an error, and those of which nothing was heard any more. Absent: none. */
  readonly failures?: number;
  readonly deaths?: number;
  /** When it is looked at again if nothing was heard, ms since the epoch. */
  readonly dueMs: number;
}

/** Why a job failed. */
export interface JobFailure {
  readonly code: ErrorCode;
  readonly message: string;
}
