/** What a deployment remembers of looking after a schedule's runs: reviews, alerts, and what still has to be sent. */

import type { ErrorCode } from "../../errors.ts";
import type { ReviewedRun } from "../records/reviewed-run.ts";
import type { ReportFinding } from "../report/findings.ts";

/** The review of one run. */
export interface ReviewNote {
  readonly jobId: string;
  readonly dueMs: number;
  /** Faces of the sample, and those that somebody has read. */
  readonly drawn: number;
  readonly seen: number;
  /** What it says so far; `null` until there are enough answers. */
  readonly result: ReviewedRun | null;
  /** Why none was drawn; `null` if one was. */
  readonly failure: { readonly code: ErrorCode; readonly message: string } | null;
}

/** Something to look into, and the run that it is about. */
export interface ScheduleAlert extends ReportFinding {
  readonly dueMs: number;
  readonly jobId: string | null;
}

/** An alert that was told. */
export interface ToldAlert extends ScheduleAlert {
  readonly atMs: number;
}

/** A webhook under way. */
export interface AlertNotice {
  /** The same at each attempt, so that a receiver can drop repetitions. */
  readonly id: string;
  readonly url: string;
  /** JSON text: the same at each attempt. */
  readonly payload: string;
  readonly attempt: number;
  /** When to try (again). */
  readonly dueMs: number;
}

/** Everything that is remembered. */
export interface LookState {
  /** In the order of their due times. */
  readonly reviews: readonly ReviewNote[];
  /** Due times of runs that were judged, the newest first. */
  readonly judged: readonly number[];
  /** Newest first. */
  readonly told: readonly ToldAlert[];
  readonly notices: readonly AlertNotice[];
  /** Webhooks made so far, and those that were given up. */
  readonly sent: number;
  readonly givenUp: number;
}

/** Before the first look. */
export const NO_LOOK: LookState = { reviews: [], judged: [], told: [], notices: [], sent: 0, givenUp: 0 };

/** A look that is due. */
export interface ScheduleLook {
  readonly scheduleId: string;
  readonly state: LookState;
  /** Counts writes, so that of two looks at once one is dropped. */
  readonly revision: number;
  /** Counts what asked for a look, so that none is forgotten that comes during one. */
  readonly wanted: number;
}

/** The port to what is remembered. */
export interface LookDirectory {
  /** Asks for a look at `atMs`: a run's job has ended, or its review was answered. Nothing happens for a schedule that is gone. */
  wantScheduleLook(scheduleId: string, atMs: number): Promise<void>;
  /** The most overdue look; until it is written it is due again after `leaseMs`. `null` if none is due. */
  takeScheduleLook(nowMs: number, leaseMs: number): Promise<ScheduleLook | null>;
  /** Writes what a look found. False, and nothing written, if another has written meanwhile, or the schedule is gone. */
  writeScheduleLook(look: ScheduleLook, nextMs: number | null, nowMs: number): Promise<boolean>;
  /** What is remembered of a schedule. */
  readScheduleLook(scheduleId: string): Promise<LookState>;
}

/** The reviews with figures, in the order of their due times. */
export function listReviewedRuns({ reviews }: Pick<LookState, "reviews">): readonly ReviewedRun[] {
  return reviews.flatMap(({ result }) => (result === null ? [] : [result]));
}

/** Whether an alert was told before: of one run each subject is told once. */
export function wasTold({ told }: Pick<LookState, "told">, { dueMs, subject }: ScheduleAlert): boolean {
  return told.some((one) => one.dueMs === dueMs && one.subject === subject);
}

/** Reviews that wait for readers, the oldest first: what a later night must not make forgotten. */
export function listUnfinished(reviews: readonly ReviewNote[], beforeMs: number): readonly ReviewNote[] {
  return reviews.filter(({ dueMs, drawn, seen, failure }) => dueMs < beforeMs && failure === null && seen < drawn);
}
