/**
 * What follows a run: its review is drawn, it is judged by what is usual, and what is found is told once. Each step is stored before the
 * next, so that a look that dies is repeated without telling anything twice under another id.
 */

import { toScoringError } from "../../errors.ts";
import { isErasing } from "../job/erasure.ts";
import { type AlertMarks, DEFAULT_ALERT_MARKS } from "../report/alert-marks.ts";
import { createReview } from "../review/review-desk.ts";
import { queueNotice, settleNotice } from "./alert-notice.ts";
import { createReportReader, isOver, isWhole, judgeReviews, judgeRun, readReviews } from "./judge-runs.ts";
import type { ScheduleDeps } from "./run-schedule.ts";
import type { ScheduleRecord, ScheduleRun } from "./schedule.ts";
import { type LookState, type ReviewNote, type ScheduleAlert, type ScheduleLook, wasTold } from "./schedule-look.ts";

/** What a look did, for the log. */
export interface LookResult {
  readonly drawn: readonly string[];
  readonly alerts: readonly ScheduleAlert[];
  readonly sent: number;
  readonly failed: readonly { readonly id: string; readonly code: string; readonly message: string }[];
}

/** Runs that are judged in one look, the newest: older ones have been passed over. */
const MAX_JUDGED = 8;

/**
 * Looks after one schedule.
 * @returns `null` if another look has come before
 * @throws ScoringError transient: the look is due again
 */
export async function lookAtSchedule(
  deps: ScheduleDeps,
  look: ScheduleLook,
  nowMs: number,
): Promise<LookResult | null> {
  const { schedules, limits } = deps;
  const record = await schedules.readSchedule(look.scheduleId);
  if (record === null) return null;
  const marks = record.alerts ?? DEFAULT_ALERT_MARKS;
  const runs = await schedules.listScheduleRuns(record.id, limits.maxScheduleRuns);
  const { notes, drawn, isMore } = await drawNext(deps, runs, look.state.reviews);
  const reviews = await readReviews(deps, runs, notes);
  const { state: judged, alerts } = await judgeNew(deps, { ...look.state, reviews }, runs, marks);
  const told = alerts.map((alert) => ({ ...alert, atMs: nowMs }));
  let state: LookState = { ...judged, told: [...told, ...judged.told].slice(0, limits.maxScheduleAlerts) };
  const url = marks.url ?? findNotifyUrl(record);
  if (alerts.length > 0 && url !== null) state = queueNotice(state, record, { url, alerts, nowMs });
  // Another draw follows as soon as this one is written.
  const nextOf = ({ notices }: LookState): number | null =>
    isMore ? nowMs : notices.length === 0 ? null : Math.min(...notices.map(({ dueMs }) => dueMs));
  let current: ScheduleLook = { ...look, state };
  if (!(await schedules.writeScheduleLook(current, nextOf(state), nowMs))) return null;
  const before = state;
  const failed: { id: string; code: string; message: string }[] = [];
  for (const notice of state.notices.filter(({ dueMs }) => dueMs <= nowMs)) {
    try {
      await send(deps, record, notice);
      state = settleNotice(state, notice.id, true, nowMs);
    } catch (error) {
      const { code, detail } = toScoringError(error);
      failed.push({ id: notice.id, code, message: detail });
      state = settleNotice(state, notice.id, false, nowMs);
    }
  }
  if (state !== before) {
    current = { ...current, revision: current.revision + 1, state };
    await schedules.writeScheduleLook(current, nextOf(state), nowMs);
  }
  return { drawn, alerts, sent: before.notices.length - state.notices.length, failed };
}

async function send(
  deps: ScheduleDeps,
  { owner }: ScheduleRecord,
  notice: LookState["notices"][number],
): Promise<void> {
  // Without a secret none could be made; it was taken away since.
  await deps.sendWebhook?.(notice.url, notice.id, notice.payload, owner);
}

/** Where the jobs of the template tell of their end. */
function findNotifyUrl({ manifest }: ScheduleRecord): string | null {
  const notify: unknown = manifest["notify"];
  const url: unknown = typeof notify === "object" && notify !== null && "url" in notify ? notify.url : null;
  return typeof url === "string" ? url : null;
}

/** Draws the review of the oldest run that wants one and has none: one a look, as each reads all records of a job. */
async function drawNext(
  deps: ScheduleDeps,
  runs: readonly ScheduleRun[],
  known: readonly ReviewNote[],
): Promise<{ readonly notes: readonly ReviewNote[]; readonly drawn: readonly string[]; readonly isMore: boolean }> {
  const have = new Set(known.map(({ jobId }) => jobId));
  const wanting = runs
    .flatMap(({ review = null, jobId, dueMs, ...run }) =>
      review !== null && jobId !== null && isWhole({ ...run, jobId, dueMs }) && !have.has(jobId)
        ? [{ review, jobId, dueMs }]
        : [],
    )
    .toSorted((a, b) => a.dueMs - b.dueMs);
  const [next, ...others] = wanting;
  if (next === undefined) return { notes: known, drawn: [], isMore: false };
  const { jobId, dueMs, review } = next;
  const note = { jobId, dueMs, drawn: 0, seen: 0, result: null, failure: null };
  const isMore = others.length > 0;
  // Its outputs are being written anew; that this has ended asks for a look again.
  const job = await deps.openJob(jobId).read();
  if (job !== null && isErasing(job.state)) return { notes: known, drawn: [], isMore: false };
  try {
    // The due time is the seed: drawn again, it is the same sample.
    const seed = Math.floor(dueMs / 60_000) % 2 ** 31;
    const request = { size: review.perRun, halfWidth: null, by: review.by, seed, newOnly: true, dryRun: false };
    const plan = await createReview(deps, jobId, { ...request, readers: review.readers });
    return { notes: [...known, { ...note, drawn: plan.size }], drawn: [jobId], isMore };
  } catch (error) {
    const { code, detail, disposition } = toScoringError(error);
    if (disposition === "transient" || code === "internal") throw error;
    return { notes: [...known, { ...note, failure: { code, message: detail } }], drawn: [], isMore };
  }
}

/** Judges what is over and was not judged, and the reviews; only what nobody was told of. */
async function judgeNew(
  deps: ScheduleDeps,
  state: LookState,
  runs: readonly ScheduleRun[],
  marks: AlertMarks,
): Promise<{ readonly state: LookState; readonly alerts: readonly ScheduleAlert[] }> {
  const over = runs.filter(isOver);
  const [newest] = over;
  if (newest === undefined) return { state, alerts: [] };
  const judged = new Set(state.judged);
  // A schedule that is older than this memory: its past was looked at by people.
  const unjudged = state.judged.length === 0 ? [newest] : over.filter(({ dueMs }) => !judged.has(dueMs));
  const next = { ...state, judged: over.map(({ dueMs }) => dueMs) };
  if (!marks.enabled) return { state: next, alerts: [] };
  const readReport = createReportReader(deps);
  const found: ScheduleAlert[] = [];
  for (const run of unjudged.slice(0, MAX_JUDGED)) found.push(...(await judgeRun(run, runs, marks, readReport)));
  const ofReviews = judgeReviews(state.reviews, newest.dueMs, marks).filter((alert) => !wasTold(state, alert));
  return { state: next, alerts: [...found, ...ofReviews] };
}
