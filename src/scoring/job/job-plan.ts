/** What a planning step found becomes chunks: the only way in which inputs are counted. */

import type { Issue } from "../../errors.ts";
import { NO_OPERATIONS } from "../../storage/metered-store.ts";
import type { JobEffect, JobEvent } from "./job-event.ts";
import { checkFolders } from "../manifest/partition-by.ts";
import { meterPlan, readMeter } from "./job-meter.ts";
import { canPlan, goOnScanning, noteScan } from "./job-scan.ts";
import type { JobState } from "./job-state.ts";
import type { JobFailure } from "./job-task.ts";
import { sendTask } from "./job-tasks.ts";
import { type Draft, enter, fail, findExcess, isWorking, withEffects } from "./job-transition.ts";
import { noteBatch } from "./open-input.ts";
import { openWindow } from "./store-wait.ts";

/** Takes the report of the current planning step; a report of another step or attempt is not accepted. */
export function commitPlan(state: JobState, event: Extract<JobEvent, { kind: "plan-commit" }>): Draft | null {
  const { plan } = state;
  if (!isWorking(state) && state.status !== "paused") return null;
  if (plan.step !== event.step || plan.status !== "leased" || plan.attempt !== event.attempt) return null;
  // What the step listed is not counted, so that what was listed before can be finalized.
  const excess = findExcess(state, event.items);
  if (excess !== null) return fail(state, excess, event.nowMs);
  const { partitions, misfit } = addFolders(state, event.partitions);
  if (misfit !== null) {
    const told = { ...state, issues: [misfit, ...state.issues].slice(0, state.rules.maxIssues) };
    return fail(told, { code: "validation_failed", message: misfit.message }, event.nowMs);
  }
  const isOver = event.cursor === null;
  const open = noteBatch(state, isOver, event.nowMs);
  // What came into an open job is planned batch by batch.
  const isLast = open.open === undefined || (open.open.sealedMs !== null && open.open.planned === open.open.received);
  const done = isOver && isLast;
  // What a client was caught at says nothing about the input, and may not crowd out what does.
  const told = [...state.issues, ...event.issues];
  const findings = told.filter(({ code }) => code !== "client_rejected");
  const rejections = told.filter(({ code }) => code === "client_rejected");
  const issues = [...findings, ...rejections].slice(0, state.rules.maxIssues);
  const { partitions: _, ...rest } = state;
  const counted: JobState = {
    ...rest,
    // Once all are known to fit, nobody asks for them again.
    ...(!done && partitions.length > 0 && { partitions }),
    planCursor: event.cursor,
    plan: { step: plan.step + 1, status: done ? "done" : "waiting", attempt: 0, dueMs: 0 },
    listed: state.listed + event.items,
    listedBytes: state.listedBytes + event.bytes,
    pages: state.pages + event.pages,
    meter: meterPlan(readMeter(state), {
      chunks: event.chunks.length,
      reads: event.reads ?? event.items,
      operations: event.operations ?? NO_OPERATIONS,
    }),
    issues,
    ...noteScan(state.scan, event.scan),
    ...open,
    chunks: { ...state.chunks, pending: state.chunks.pending + event.chunks.length },
  };
  const opened = openWindow({ state: counted, effects: [] });
  const planned = opened.state;
  const effects: JobEffect[] = [
    ...opened.effects,
    ...event.chunks.map((chunk): JobEffect => ({ kind: "put-chunk", chunk })),
    ...(isOver && open.open !== undefined
      ? [{ kind: "drop-arrivals", before: open.open.planned } satisfies JobEffect]
      : []),
  ];
  if (isOver && findings.length > 0) {
    const failure: JobFailure = {
      code: "validation_failed",
      message: `the input has ${Math.min(findings.length, state.rules.maxIssues)} findings`,
    };
    return withEffects(effects, fail(planned, failure, event.nowMs) ?? { state: planned, effects: [] });
  }
  const goesOn = !done && state.status !== "paused";
  const sent =
    goesOn && canPlan(planned, event.nowMs)
      ? sendTask(planned, "plan", event.nowMs, effects)
      : { state: planned, effects };
  const next = goesOn ? goOnScanning(sent, event.nowMs) : sent;
  if (state.status === "validating" && (done || state.rules.eager)) {
    return withEffects(next.effects, enter(next.state, "queued", event.nowMs));
  }
  if (state.status === "paused" && state.pausedFrom === "validating" && (done || state.rules.eager)) {
    return { ...next, state: { ...next.state, pausedFrom: "queued" } };
  }
  return next;
}

/** The folders that the data set will have as far as is known, and what is wrong with them. */
function addFolders(
  { partitions: known = [], rules }: JobState,
  more: readonly string[] = [],
): { readonly partitions: readonly string[]; readonly misfit: Issue | null } {
  const partitions = [...new Set([...known, ...more])];
  return { partitions, misfit: rules.partitions === undefined ? null : checkFolders(partitions, rules.partitions) };
}
