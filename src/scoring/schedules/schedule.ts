/** A schedule: a job template, when it is due, and the results of its runs. */

import { z } from "zod";
import type { JobStatus } from "../job/job-status.ts";
import type { ErrorCode } from "../../errors.ts";
import { LIMITS } from "../limits.ts";
import { type AlertMarks, DEFAULT_ALERT_MARKS } from "../report/alert-marks.ts";
import { alertMarksSchema } from "./alert-marks-schema.ts";
import type { CronTimes } from "./cron.ts";
import type { LookDirectory } from "./schedule-look.ts";
import type { ManifestTemplate } from "./window.ts";

/** From a year back to a day ahead, since uploads may be dated by another clock. */
const WINDOW_OFFSET = z.int().min(-8784).max(24);

/** A review that each run's new pictures get; answers come from the schedule's key and from `readers`, ids of keys. */
export const nightReviewSchema = z.strictObject({
  /** Faces a run; a few more where there are many labels, and fewer where fewer are new. */
  perRun: z.int().min(20).max(LIMITS.maxReviewFaces),
  /** `groupBy` name of the manifest to stratify by. */
  by: z.string().max(256).nullable().default(null),
  readers: z.array(z.string().min(1).max(64)).max(LIMITS.maxReviewReaders).default([]),
});
/** See {@link nightReviewSchema}. */
export type NightReview = z.output<typeof nightReviewSchema>;

/** The body of `POST /v1/schedules`; the manifest is checked like a job's. */
export const newScheduleSchema = z.strictObject({
  name: z.string().min(1).max(200),
  cron: z.string().min(1).max(100),
  windowOffsetHours: WINDOW_OFFSET.default(0),
  enabled: z.boolean().default(true),
  manifest: z.record(z.string(), z.unknown()),
  review: nightReviewSchema.nullable().default(null),
  alerts: alertMarksSchema.prefault({}),
});

/** The body of `PATCH /v1/schedules/{id}`: fields that are given replace the old ones. */
export const scheduleChangeSchema = z.strictObject({
  name: z.string().min(1).max(200).optional(),
  cron: z.string().min(1).max(100).optional(),
  windowOffsetHours: WINDOW_OFFSET.optional(),
  enabled: z.boolean().optional(),
  manifest: z.record(z.string(), z.unknown()).optional(),
  baselineJobId: z.uuid().nullable().optional(),
  review: nightReviewSchema.nullable().optional(),
  alerts: alertMarksSchema.optional(),
});

/** One schedule as it is stored. */
export interface ScheduleRecord {
  /** UUIDv7. */
  readonly id: string;
  readonly name: string;
  /** Five fields, UTC. */
  readonly cron: string;
  /** Added to a due time for `{yyyy}`, `{mm}`, `{dd}`, `{hh}`. */
  readonly windowOffsetHours: number;
  readonly enabled: boolean;
  readonly manifest: ManifestTemplate;
  /** The review that each run gets; `null` or missing: none. */
  readonly review?: NightReview | null;
  /** Missing in schedules of before there were any: the defaults. */
  readonly alerts?: AlertMarks;
  /** The run that every later one is compared with, besides its predecessor; `null` for none. */
  readonly baselineJobId: string | null;
  /** Id of the key whose jobs the runs are. */
  readonly owner: string;
  readonly createdMs: number;
  readonly updatedMs: number;
  /** Counts changes made by people, so that what was read before a change decides nothing after it. */
  readonly revision: number;
  /** Every due time up to here has been run, refused or skipped. */
  readonly settledMs: number;
}

/** One run of a schedule as it is stored. */
export interface ScheduleRunRecord {
  readonly scheduleId: string;
  readonly dueMs: number;
  readonly firedMs: number;
  readonly trigger: "cron" | "manual";
  /** `null` if no job was made: `failure` says why. */
  readonly jobId: string | null;
  readonly failure: { readonly code: ErrorCode | "missed"; readonly message: string } | null;
  /** The review that it gets once its job has ended; `null` or missing: none. */
  readonly review?: NightReview | null;
}

/** A run with what is known about its job. */
export interface ScheduleRun extends ScheduleRunRecord {
  /** `null` without a job, and once the job is deleted. */
  readonly job: {
    readonly status: JobStatus;
    readonly listed: number;
    readonly scored: number;
    readonly failed: number;
    /** What scoring cost; `null` where a job has not told yet. */
    readonly dollars: number | null;
  } | null;
}

/** One page of schedules, oldest first, each with its newest runs. */
export interface SchedulePage {
  readonly schedules: readonly { readonly record: ScheduleRecord; readonly runs: readonly ScheduleRun[] }[];
  /** For the next page; `null` on the last. */
  readonly cursor: string | null;
}

/** The port to stored schedules. */
export interface ScheduleDirectory extends LookDirectory {
  /** False, with nothing stored, if the owner already has `maxPerOwner`. */
  addSchedule(record: ScheduleRecord, nextDueMs: number | null, maxPerOwner: number): Promise<boolean>;
  /** False if the stored revision is not the record's predecessor. */
  replaceSchedule(record: ScheduleRecord, nextDueMs: number | null): Promise<boolean>;
  readSchedule(id: string): Promise<ScheduleRecord | null>;
  /** @param options.owner id of a key; `null`: of all. `runs`: of each schedule */
  listSchedules(options: {
    readonly owner: string | null;
    readonly cursor: string | null;
    readonly limit: number;
    readonly runs: number;
  }): Promise<SchedulePage>;
  /** The enabled schedules over a store whose runs are open jobs. */
  listFeeds(store: string): Promise<readonly ScheduleRecord[]>;
  /**
   * The most overdue schedule; until it is settled it is due again after `nowMs`, behind the others.
   * `null` if none is due.
   */
  takeDueSchedule(nowMs: number): Promise<ScheduleRecord | null>;
  /** Records that a schedule is settled up to `settledMs`, unless it has been changed since `revision`. */
  settleSchedule(id: string, revision: number, settledMs: number, nextDueMs: number | null): Promise<void>;
  /** Forgets a schedule and its runs, not their jobs. False if there was none. */
  removeSchedule(id: string): Promise<boolean>;
  /** Stores a run, or replaces the one with the same due time; only the newest `keep` are kept. */
  writeScheduleRun(run: ScheduleRunRecord, keep: number): Promise<void>;
  /** Newest due time first. */
  listScheduleRuns(id: string, limit: number): Promise<readonly ScheduleRun[]>;
}

/** Due times that a view shows. */
const NEXT_RUNS = 5;

/** A schedule as the API shows it. Times are ISO 8601. */
export function viewSchedule(record: ScheduleRecord, cron: CronTimes, runs: readonly ScheduleRun[], nowMs: number) {
  const { id, name, windowOffsetHours, enabled, manifest, baselineJobId, owner, createdMs, updatedMs } = record;
  const { review = null, alerts = DEFAULT_ALERT_MARKS } = record;
  return {
    id,
    name,
    cron: record.cron,
    windowOffsetHours,
    enabled,
    manifest,
    review,
    alerts,
    baselineJobId,
    owner,
    createdAt: formatTime(createdMs),
    updatedAt: formatTime(updatedMs),
    nextRuns: enabled ? listNext(cron, Math.max(nowMs, record.settledMs)).map(formatTime) : [],
    lastRuns: runs.map(viewRun),
  };
}

/** A schedule for its readers. */
export type ScheduleView = ReturnType<typeof viewSchedule>;

/** A run as the API shows it. */
export function viewRun({ dueMs, firedMs, trigger, jobId, failure, job }: ScheduleRun) {
  return { dueAt: formatTime(dueMs), firedAt: formatTime(firedMs), trigger, jobId, failure, job };
}

/** A run for its readers. */
export type ScheduleRunView = ReturnType<typeof viewRun>;

function listNext(cron: CronTimes, afterMs: number): readonly number[] {
  const times: number[] = [];
  for (let dueMs = cron.next(afterMs); dueMs !== null && times.length < NEXT_RUNS; dueMs = cron.next(dueMs)) {
    times.push(dueMs);
  }
  return times;
}

function formatTime(ms: number): string {
  return new Date(ms).toISOString();
}
