/** A due schedule becomes a job. Repeating a run changes nothing: its idempotency key is made of schedule and due time. */

import { JOB_STATUS_FACTS } from "../job/job-status.ts";
import { type Issue, ScoringError, toScoringError } from "../../errors.ts";
import type { Caller } from "../access/access.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { checkManifest, submitJob } from "../requests/submit.ts";
import type { SubmitDeps } from "../requests/submit-deps.ts";
import { parseCron } from "./cron.ts";
import { MAX_REVIEWED_RUNS } from "../statistics/accuracy-drift.ts";
import { listReviewedRuns } from "./schedule-look.ts";
import { isFeed, sealEarlierRuns } from "./feed.ts";
import { planDueRuns, runIdempotencyKey } from "./due-runs.ts";
import type { ScheduleDirectory, ScheduleRecord, ScheduleRun, ScheduleRunRecord } from "./schedule.ts";
import { expandTemplate, hasWindow } from "./window.ts";

/** The ports of running schedules. */
export interface ScheduleDeps extends SubmitDeps {
  readonly schedules: ScheduleDirectory;
  /** Sends an alert, signed with the secret of the schedule's key; absent where no secret is configured. See WorkDeps. */
  sendWebhook?(url: string, id: string, payload: string, keyId: string | null): Promise<void>;
  /** The rights that a key has now; `null` once it has been removed or has expired. */
  readCaller(keyId: string): Promise<Caller | null>;
}

/** What started a run. */
export interface RunOptions {
  readonly dueMs: number;
  readonly trigger: ScheduleRunRecord["trigger"];
}

/**
 * Checks the template as the run at `dueMs` would be.
 * @throws ScoringError `validation_failed` and `forbidden` with all findings, under `manifest.`
 */
export function checkTemplate(
  deps: SubmitDeps,
  schedule: Pick<ScheduleRecord, "manifest" | "windowOffsetHours">,
  dueMs: number,
  caller: Caller,
): Manifest {
  const body = expandTemplate(schedule.manifest, dueMs, schedule.windowOffsetHours);
  let manifest: Manifest;
  try {
    manifest = checkManifest(deps, body, caller);
  } catch (error) {
    const { code, detail, issues } = toScoringError(error);
    throw new ScoringError(code, detail, { cause: error, issues: issues.map(placeInTemplate) });
  }
  if (!manifest.dryRun) return manifest;
  const issues = [{ path: "manifest.dryRun", code: "not_supported", message: "a schedule makes jobs" }];
  throw new ScoringError("validation_failed", "the template has 1 finding", { issues });
}

function placeInTemplate(issue: Issue): Issue {
  return { ...issue, path: issue.path === "" ? "manifest" : `manifest.${issue.path}` };
}

/** The job that a run is compared with: that of the latest run before `dueMs` that ended with labels. */
export function findPreviousJob(runs: readonly ScheduleRun[], dueMs: number): string | null {
  const ended = runs.filter(({ job }) => job && JOB_STATUS_FACTS[job.status].whole);
  const before = ended.filter((run) => run.dueMs < dueMs).sort((a, b) => b.dueMs - a.dueMs);
  return before[0]?.jobId ?? null;
}

/**
 * Makes the job of one run and records it. An error that would come again is recorded as the run's failure.
 * @throws ScoringError transient: nothing is recorded, the run is still owed
 */
export async function runSchedule(
  deps: ScheduleDeps,
  record: ScheduleRecord,
  { dueMs, trigger }: RunOptions,
): Promise<ScheduleRunRecord> {
  const { id: scheduleId, baselineJobId, review = null } = record;
  const { limits, schedules } = deps;
  const run = { scheduleId, dueMs, firedMs: deps.clock(), trigger, review };
  const note = async (outcome: Pick<ScheduleRunRecord, "jobId" | "failure">): Promise<ScheduleRunRecord> => {
    const made = { ...run, ...outcome };
    await schedules.writeScheduleRun(made, limits.maxScheduleRuns);
    if (made.failure !== null) await schedules.wantScheduleLook(scheduleId, run.firedMs);
    return made;
  };
  try {
    const caller = await deps.readCaller(record.owner);
    if (caller === null)
      throw new ScoringError("unauthorized", "the schedule's API key has been removed or has expired");
    if (!caller.scopes.includes("jobs:write")) {
      throw new ScoringError("forbidden", "the schedule's API key does not have the scope jobs:write");
    }
    const body = expandTemplate(record.manifest, dueMs, record.windowOffsetHours);
    const runs = await schedules.listScheduleRuns(scheduleId, limits.maxScheduleRuns);
    const reviewed = listReviewedRuns(await schedules.readScheduleLook(scheduleId)).filter((one) => one.dueMs < dueMs);
    const submission = await submitJob(deps, body, {
      idempotencyKey: runIdempotencyKey(scheduleId, dueMs),
      caller,
      schedule: {
        scheduleId,
        dueMs,
        previousJobId: findPreviousJob(runs, dueMs),
        baselineJobId,
        ...(reviewed.length > 0 && { reviewed: reviewed.slice(-MAX_REVIEWED_RUNS) }),
      },
    });
    if (submission.kind === "dry-run") throw new ScoringError("validation_failed", "a schedule makes jobs");
    const made = await note({ jobId: submission.job.id, failure: null });
    // From now on inputs go to this one.
    if (isFeed(record)) await sealEarlierRuns(deps, made);
    return made;
  } catch (error) {
    const { code, detail, disposition } = toScoringError(error);
    if (disposition !== "request") throw error;
    return note({ jobId: null, failure: { code, message: detail } });
  }
}

/** Makes every run that a schedule owes, and settles them. */
export async function runDueSchedule(
  deps: ScheduleDeps,
  record: ScheduleRecord,
  nowMs: number,
): Promise<readonly ScheduleRunRecord[]> {
  const { limits, schedules } = deps;
  const cron = parseCron(record.cron, limits.minScheduleIntervalMs);
  // If every run reads the same input, one run makes up for all that were missed.
  const windowed = hasWindow(record.manifest);
  const maxRuns = windowed ? limits.maxCatchUpRuns : 1;
  const plan = planDueRuns(cron, { settledMs: record.settledMs, nowMs, maxRuns });
  const made: ScheduleRunRecord[] = [];
  if (plan.skipped !== null && windowed) {
    const { fromMs, toMs } = plan.skipped;
    const message = `missed since ${new Date(fromMs).toISOString()}: only the newest ${maxRuns} are caught up`;
    const { id: scheduleId } = record;
    const missed: ScheduleRunRecord = {
      scheduleId,
      dueMs: toMs,
      firedMs: nowMs,
      trigger: "cron",
      jobId: null,
      failure: { code: "missed", message },
    };
    await schedules.writeScheduleRun(missed, limits.maxScheduleRuns);
    await schedules.wantScheduleLook(scheduleId, nowMs);
    made.push(missed);
  }
  for (const dueMs of plan.runs) made.push(await runSchedule(deps, record, { dueMs, trigger: "cron" }));
  await schedules.settleSchedule(record.id, record.revision, plan.settledMs, plan.nextMs);
  return made;
}
