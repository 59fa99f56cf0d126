/** Reads what the runs of a schedule left, their reports and reviews, and says what should be looked into. */

import { ScoringError } from "../../errors.ts";
import { isEnded, JOB_STATUS_FACTS } from "../job/job-status.ts";
import { jobFolder, OUTPUT_NAMES } from "../keys.ts";
import { type AlertMarks, DEFAULT_ALERT_MARKS } from "../report/alert-marks.ts";
import { formatCount } from "../report/report-format.ts";
import type { Report } from "../report/report.ts";
import { listAccuracyAlerts, listScheduleAlerts, type RunFacts } from "../report/schedule-alerts.ts";
import { openReviewedJob, readFigures } from "../review/review-desk.ts";
import { parseStored } from "../stored-json.ts";
import type { ScheduleDeps } from "./run-schedule.ts";
import type { ScheduleRecord, ScheduleRun } from "./schedule.ts";
import {
  listReviewedRuns,
  listUnfinished,
  type LookState,
  type ReviewNote,
  type ScheduleAlert,
} from "./schedule-look.ts";

/** Runs before one that say what is usual. */
export const USUAL_RUNS = 7;
/** Newest runs whose reviews are read at each look: two reads each. */
export const REVIEWED_RUNS = 14;

/** Ports of judging. */
export type JudgeDeps = Pick<ScheduleDeps, "openJob" | "openStore" | "clock" | "limits">;

/** Whether a run has come to its end, with or without labels. */
export function isOver({ failure, job }: ScheduleRun): boolean {
  return failure !== null || (job !== null && isEnded(job.status));
}

/** Whether a run's job left a report. */
export function isWhole({ job }: ScheduleRun): boolean {
  return job !== null && JOB_STATUS_FACTS[job.status].whole;
}

/** Reads each report once. */
export function createReportReader({
  openJob,
  openStore,
  limits,
}: JudgeDeps): (jobId: string) => Promise<Report | null> {
  const read = new Map<string, Promise<Report | null>>();
  async function readReport(jobId: string): Promise<Report | null> {
    const known = await openJob(jobId).read();
    if (known === null) return null;
    const { output } = known.spec.manifest;
    const key = `${jobFolder(output.prefix, jobId, known.state.generation)}${OUTPUT_NAMES.reportJson}`;
    const found = await openStore(output.store).read(key, { maxBytes: limits.maxPartBytes });
    return found.kind === "found" ? parseStored<Report>(new TextDecoder().decode(found.bytes)) : null;
  }
  return (jobId) => {
    const reading = read.get(jobId) ?? readReport(jobId);
    read.set(jobId, reading);
    return reading;
  };
}

/**
 * Alerts about one run that is over, by its own figures.
 * @param runs of the schedule, newest due time first
 */
export async function judgeRun(
  run: ScheduleRun,
  runs: readonly ScheduleRun[],
  marks: AlertMarks,
  readReport: (jobId: string) => Promise<Report | null>,
): Promise<readonly ScheduleAlert[]> {
  const { dueMs, jobId, failure, job } = run;
  const tell = (text: string): ScheduleAlert[] => [{ tone: "bad", subject: "Run", text, dueMs, jobId }];
  if (failure !== null) return tell(failure.message);
  if (!isWhole(run) || jobId === null) return tell(`the job of the run is ${job?.status ?? "gone"}`);
  const before = runs.filter((one) => one.dueMs < dueMs && isWhole(one)).slice(0, USUAL_RUNS);
  const facts = await Promise.all([run, ...before].map((one) => readFacts(one, readReport)));
  const [own, ...earlier] = facts;
  if (own === undefined || own === null) return tell("the report of the run is gone");
  const alerts = listScheduleAlerts(
    own,
    earlier.filter((one) => one !== null),
    marks,
  );
  return alerts.map((alert) => ({ ...alert, dueMs, jobId }));
}

async function readFacts(
  { jobId, job }: ScheduleRun,
  readReport: (jobId: string) => Promise<Report | null>,
): Promise<RunFacts | null> {
  const report = jobId === null ? null : await readReport(jobId);
  return report === null ? null : { report, dollars: job?.dollars ?? null };
}

const closed = (note: ReviewNote): ReviewNote => ({ ...note, drawn: note.seen });

/** The reviews as they are now. Of one that was deleted, alone or with its job, its figures stay, and nobody is waited for. */
export async function readReviews(
  deps: JudgeDeps,
  runs: readonly ScheduleRun[],
  known: readonly ReviewNote[],
): Promise<readonly ReviewNote[]> {
  const notes = new Map(known.map((note) => [note.jobId, note]));
  const whole = new Set(runs.filter(isWhole).map(({ jobId }) => jobId));
  for (const note of known) if (!whole.has(note.jobId)) notes.set(note.jobId, closed(note));
  for (const { jobId, dueMs } of runs.filter(isWhole).slice(0, REVIEWED_RUNS)) {
    if (jobId === null) continue;
    const [note, before] = [await readNote(deps, jobId, dueMs), notes.get(jobId)];
    if (note !== null) notes.set(jobId, note);
    else if (before !== undefined) notes.set(jobId, closed(before));
  }
  return [...notes.values()].toSorted((a, b) => a.dueMs - b.dueMs).slice(-deps.limits.maxScheduleRuns);
}

async function readNote(deps: JudgeDeps, jobId: string, dueMs: number): Promise<ReviewNote | null> {
  try {
    const { figures } = await readFigures(deps, await openReviewedJob(deps, jobId));
    const { drawn, seen, total } = figures;
    const result =
      total === null ? null : { jobId, dueMs, faces: total.faces, answered: total.answered, accuracy: total.accuracy };
    return { jobId, dueMs, drawn, seen, result, failure: null };
  } catch (error) {
    // No review, or no job any more.
    if (error instanceof ScoringError && error.code === "not_found") return null;
    throw error;
  }
}

/**
 * Alerts about the reviews: what they say of the model, and which of them wait.
 * @param newestMs due time of the newest run: reviews of earlier ones should have been read
 */
export function judgeReviews(
  reviews: readonly ReviewNote[],
  newestMs: number,
  marks: AlertMarks,
): readonly ScheduleAlert[] {
  const reviewed = listReviewedRuns({ reviews });
  const newest = reviewed.at(-1);
  const accuracy =
    newest === undefined
      ? []
      : listAccuracyAlerts(reviewed, marks).map((alert) => ({ ...alert, dueMs: newest.dueMs, jobId: newest.jobId }));
  const waiting = listUnfinished(reviews, newestMs).map(({ drawn, seen, dueMs, jobId }): ScheduleAlert => {
    const text = `${formatCount(seen)} of the ${formatCount(drawn)} faces of this run's review were read, and a later run has ended.`;
    return { tone: "warn", subject: "Review", text, dueMs, jobId };
  });
  const failed = reviews.flatMap(({ failure, dueMs, jobId }): ScheduleAlert[] =>
    failure === null
      ? []
      : [{ tone: "warn", subject: "Review", text: `It could not be drawn: ${failure.message}`, dueMs, jobId }],
  );
  return [...accuracy, ...failed, ...waiting];
}

/** What is known of a schedule now: nothing is stored, and nothing sent. */
export interface ScheduleOutlook {
  /** Of the newest run that is over, and of the reviews. */
  readonly alerts: readonly ScheduleAlert[];
  readonly reviews: readonly ReviewNote[];
}

/** Judges the newest run and the reviews as they are now. @param runs newest due time first */
export async function judgeSchedule(
  deps: JudgeDeps,
  record: Pick<ScheduleRecord, "alerts">,
  runs: readonly ScheduleRun[],
  known: readonly ReviewNote[],
): Promise<ScheduleOutlook> {
  const marks = record.alerts ?? DEFAULT_ALERT_MARKS;
  const reviews = await readReviews(deps, runs, known);
  const newest = runs.find(isOver);
  if (newest === undefined || !marks.enabled) return { alerts: [], reviews };
  const own = await judgeRun(newest, runs, marks, createReportReader(deps));
  return { alerts: [...own, ...judgeReviews(reviews, newest.dueMs, marks)], reviews };
}

const formatTime = (ms: number): string => new Date(ms).toISOString();

function viewAlert({ tone, subject, text, dueMs, jobId }: ScheduleAlert) {
  return { tone, subject, text, dueAt: formatTime(dueMs), jobId };
}

/** What is known of a schedule, as the API shows it. Times are ISO 8601. */
export function viewOutlook({ alerts, reviews }: ScheduleOutlook, { told, notices, givenUp }: LookState) {
  return {
    alerts: alerts.map(viewAlert),
    /** In the order of their due times; `result` is `null` until there are enough answers. */
    reviews: reviews.map(({ dueMs, result, jobId, drawn, seen, failure }) => ({
      jobId,
      dueAt: formatTime(dueMs),
      drawn,
      seen,
      result: result === null ? null : { faces: result.faces, answered: result.answered, accuracy: result.accuracy },
      failure,
    })),
    /** Newest first. */
    told: told.map(({ atMs, ...alert }) => ({ ...viewAlert(alert), at: formatTime(atMs) })),
    /** Webhooks that are still tried, and those that were given up. */
    waiting: notices.length,
    givenUp,
  };
}

/** See {@link viewOutlook}. */
export type ScheduleOutlookView = ReturnType<typeof viewOutlook>;
