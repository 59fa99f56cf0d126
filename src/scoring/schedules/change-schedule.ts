/** Making and changing a schedule: its template is checked as its next run would be, by the rights of its owner. */

import type { z } from "zod";
import { ScoringError } from "../../errors.ts";
import type { Caller } from "../access/access.ts";
import { refreshModels } from "../requests/submit.ts";
import { checkWebhookAddress } from "../webhook/webhook-address.ts";
import { parseCron } from "./cron.ts";
import { checkFeed } from "./feed.ts";
import { checkTemplate, type ScheduleDeps } from "./run-schedule.ts";
import type { newScheduleSchema, scheduleChangeSchema, ScheduleRecord } from "./schedule.ts";

/**
 * Makes a schedule for the caller.
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
  await refreshModels(deps.registry, record.manifest);
  if (!(await deps.schedules.addSchedule(record, planNext(deps, record, caller), maxSchedulesPerKey))) {
    throw new ScoringError("quota_exceeded", `an API key may have ${maxSchedulesPerKey} schedules`);
  }
  return record;
}

/**
 * Fields that are given replace the old ones; due times before the change are not caught up.
 * @throws ScoringError `validation_failed` and `forbidden` with all findings; `conflict` if it has been changed in the meantime, or its owner's key is gone
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
  // The runs belong to its owner, whoever changes it.
  const owner = await deps.readCaller(known.owner);
  if (owner === null) throw new ScoringError("conflict", "the schedule's API key has been removed or has expired");
  await refreshModels(deps.registry, record.manifest);
  if (!(await deps.schedules.replaceSchedule(record, planNext(deps, record, owner)))) {
    throw new ScoringError("conflict", "the schedule has been changed or removed: read it again");
  }
  return record;
}

/** The next due time, after checking the template as that run's manifest. */
function planNext(deps: ScheduleDeps, record: ScheduleRecord, caller: Caller): number | null {
  const cron = parseCron(record.cron, deps.limits.minScheduleIntervalMs);
  const dueMs = cron.next(record.settledMs);
  const { limits } = checkTemplate(deps, record, dueMs ?? record.settledMs, caller);
  const issues = checkFeed(record, cron, record.settledMs, limits.openSeconds ?? deps.limits.open.maxSeconds);
  if (issues.length > 0) throw new ScoringError("validation_failed", issues[0]!.message, { issues });
  checkExtras(deps, record);
  return record.enabled ? dueMs : null;
}

/** @throws ScoringError `validation_failed`, `address_forbidden` */
function checkExtras({ webhookHosts }: ScheduleDeps, { alerts, review, manifest }: ScheduleRecord): void {
  const url = alerts?.url ?? null;
  if (url !== null) {
    if (webhookHosts === null)
      throw new ScoringError("validation_failed", "alerts.url: WEBHOOK_SECRET is not configured");
    checkWebhookAddress(url, webhookHosts);
  }
  const by = review?.by ?? null;
  const groupBy: unknown = manifest["groupBy"];
  if (by === null || (Array.isArray(groupBy) && groupBy.includes(by))) return;
  const message = `the manifest has no groupBy ${JSON.stringify(by)}`;
  const issues = [{ path: "review.by", code: "unknown_group", message }];
  throw new ScoringError("validation_failed", `review.by: ${message}`, { issues });
}

/** @throws ScoringError `validation_failed` if the baseline is no run of the schedule */
async function requireBaseline(deps: ScheduleDeps, { id, baselineJobId }: ScheduleRecord): Promise<void> {
  if (baselineJobId === null) return;
  const runs = await deps.schedules.listScheduleRuns(id, deps.limits.maxScheduleRuns);
  if (runs.some(({ jobId }) => jobId === baselineJobId)) return;
  const issues = [{ path: "baselineJobId", code: "unknown_job", message: "no run of the schedule made this job" }];
  throw new ScoringError("validation_failed", "the change has 1 finding", { issues });
}
