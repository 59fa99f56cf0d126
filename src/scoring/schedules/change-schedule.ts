/** Making and changing a schedule: its template is checked as its next run would be, by the rights of its owner. */

import type { z } from "zod";
import { ScoringError } from "../../errors.ts";
import type { Caller } from "../access/access.ts";
import { parseCron } from "./cron.ts";
import { checkTemplate, type ScheduleDeps } from "./run-schedule.ts";
import type { newScheduleSchema, scheduleChangeSchema, ScheduleRecord } from "./schedule.ts";

/**
 * A new schedule of the caller's.
 * @throws ScoringError `validation_failed` and `forbidden` with all findings, `quota_exceeded`
 */
export async function makeSchedule(
  deps: ScheduleDeps,
  body: z.output<typeof newScheduleSchema>,
  caller: Caller,
): Promise<ScheduleRecord> {
  const nowMs = deps.clock();
  const record: ScheduleRecord = {
    id: deps.newId(),
    ...body,
    baselineJobId: null,
    owner: caller.keyId,
    createdMs: nowMs,
    updatedMs: nowMs,
    revision: 1,
    settledMs: nowMs,
  };
  const { maxSchedulesPerKey } = deps.limits;
  if (!(await deps.schedules.addSchedule(record, planNext(deps, record, caller), maxSchedulesPerKey))) {
    throw new ScoringError("quota_exceeded", `an API key may have ${maxSchedulesPerKey} schedules`);
  }
  return record;
}

/**
 * What is given replaces what was; due times before the change are not caught up.
 * @throws ScoringError `validation_failed` and `forbidden` with all findings; `conflict` if it was changed meanwhile, or its owner's key is gone
 */
export async function changeSchedule(
  deps: ScheduleDeps,
  known: ScheduleRecord,
  body: z.output<typeof scheduleChangeSchema>,
): Promise<ScheduleRecord> {
  const changes = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
  const nowMs = deps.clock();
  const revision = known.revision + 1;
  const record: ScheduleRecord = { ...known, ...changes, revision, updatedMs: nowMs, settledMs: nowMs };
  await requireBaseline(deps, record);
  // The runs are its owner's, whoever changes it.
  const owner = await deps.readCaller(known.owner);
  if (owner === null) throw new ScoringError("conflict", "the API key of this schedule opens nothing any more");
  if (!(await deps.schedules.replaceSchedule(record, planNext(deps, record, owner)))) {
    throw new ScoringError("conflict", "the schedule was changed or removed meanwhile: read it again");
  }
  return record;
}

/** The next due time, once the template was checked as that run would be. */
function planNext(deps: ScheduleDeps, record: ScheduleRecord, caller: Caller): number | null {
  const dueMs = parseCron(record.cron, deps.limits.minScheduleIntervalMs).next(record.settledMs);
  checkTemplate(deps, record, dueMs ?? record.settledMs, caller);
  return record.enabled ? dueMs : null;
}

/** @throws ScoringError `validation_failed` if the baseline is no run of the schedule */
async function requireBaseline(deps: ScheduleDeps, { id, baselineJobId }: ScheduleRecord): Promise<void> {
  if (baselineJobId === null) return;
  const runs = await deps.schedules.listScheduleRuns(id, deps.limits.maxScheduleRuns);
  if (runs.some(({ jobId }) => jobId === baselineJobId)) return;
  const issues = [{ path: "baselineJobId", code: "unknown_job", message: "none of the schedule's runs made this job" }];
  throw new ScoringError("validation_failed", "the change has 1 finding", { issues });
}
