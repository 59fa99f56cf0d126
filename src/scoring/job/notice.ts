/** The notice by which a job tells its owner that it has ended, and when sending is retried. */

import type { JobStatus } from "./job-status.ts";

/** A notice that still has to be sent; the coordinator keeps it until it is, or until the attempts are spent. */
export interface Notice {
  readonly eventId: number;
  /** JSON text of the payload: the same at each attempt. */
  readonly payload: string;
  readonly attempt: number;
  /** When to try (again). */
  readonly dueMs: number;
}

/** Seconds before each further attempt (the schedule that Standard Webhooks recommends, cut at half a day). */
export const NOTICE_DELAYS_SECONDS = [5, 300, 1800, 7200, 18_000, 18_000] as const;

/**
 * JSON text with `type`, `timestamp` and `data`, as Standard Webhooks recommends.
 * @param view the job's view, JSON text
 */
export function makePayload(status: JobStatus, nowMs: number, view: string): string {
  return `{"type":"job.${status}","timestamp":"${new Date(nowMs).toISOString()}","data":${view}}`;
}
