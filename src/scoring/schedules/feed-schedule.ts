/** What comes into a feed goes to its newest run. */

import { ScoringError, toScoringError } from "../../errors.ts";
import type { AddedInputs } from "../job/open-input.ts";
import { addInputs } from "../requests/add-inputs.ts";
import { isFeed, RECENT_RUNS } from "./feed.ts";
import { runSchedule, type ScheduleDeps } from "./run-schedule.ts";
import type { ScheduleRecord, ScheduleRun } from "./schedule.ts";

/** Runs that are opened for one request: the newest may be full, or have been canceled. */
const MAX_OPENED = 2;
const MINUTE_MS = 60_000;
/** What kept a run from being made is taken to last so long. */
const FAILURE_MS = 5 * MINUTE_MS;
/** What became of inputs, and the job that has them. */
export type FedInputs = Omit<Extract<AddedInputs, { kind: "added" }>, "kind"> & { readonly jobId: string };

/**
 * Takes inputs, lines as those of an open job, into the newest run of a feed; where there is none that takes any, opens one.
 * @throws ScoringError `conflict` for another schedule, or where no run can be made; what {@link addInputs} throws
 */
export async function feedSchedule(deps: ScheduleDeps, record: ScheduleRecord, body: Uint8Array): Promise<FedInputs> {
  if (!isFeed(record)) throw new ScoringError("conflict", "the schedule's input is not open: its runs take no inputs");
  for (let opened = 0; ; opened++) {
    const runs = await deps.schedules.listScheduleRuns(record.id, RECENT_RUNS);
    const newest = runs.find(({ jobId }) => jobId !== null);
    try {
      if (newest?.jobId != null) return await addTo(deps, newest.jobId, body);
    } catch (error) {
      if (!isOver(error) || opened === MAX_OPENED) throw error;
    }
    const nowMs = deps.clock();
    refuseAgain(runs, nowMs);
    // By the minute, so that several that find no open run at once make the same one.
    const dueMs = Math.max(Math.floor(nowMs / MINUTE_MS) * MINUTE_MS, (newest?.dueMs ?? 0) + MINUTE_MS);
    const { jobId, failure } = await runSchedule(deps, record, { dueMs, trigger: "manual" });
    if (jobId === null)
      throw new ScoringError("conflict", `the feed has no open run: ${failure?.message ?? "unknown"}`);
  }
}

async function addTo(deps: ScheduleDeps, jobId: string, body: Uint8Array): Promise<FedInputs> {
  const { added, known, received } = await addInputs(deps, deps.openJob(jobId), body);
  return { jobId, added, known, received };
}

/** The run takes nothing more: it is sealed, full, ended or deleted. */
function isOver(error: unknown): boolean {
  return ["conflict", "quota_exceeded", "not_found"].includes(toScoringError(error).code);
}

/** What kept the last run from being made a moment ago keeps this one too. */
function refuseAgain(runs: readonly ScheduleRun[], nowMs: number): void {
  const [last] = runs;
  if (last === undefined || last.failure === null || last.firedMs < nowMs - FAILURE_MS) return;
  throw new ScoringError("conflict", `the feed has no open run: ${last.failure.message}`);
}
