/** Merging a data set: many ranges at once, each a chain of steps that are leased like those of planning; when all are done, they are joined. */

import type { JobEffect, JobEvent } from "./job-event.ts";
import type { JobState } from "./job-state.ts";
import type { JobFailure, JobTask } from "./job-task.ts";
import { sendTask } from "./job-tasks.ts";
import { backoffSeconds, type Draft, fail, withEffects } from "./job-transition.ts";
import { cutRanges, type MergeProgress, type MergeRange } from "./merge-range.ts";
import { awaitStore, openWindow, pauseSeconds } from "./store-wait.ts";

type Of<K extends JobEvent["kind"]> = Extract<JobEvent, { kind: K }>;

/** Begins to merge: with one output of each kind by the finalizing task, or range by range. */
export function beginMerging({ state, effects }: Draft, nowMs: number): Draft {
  const { partRows } = state.rules;
  if (partRows === undefined) return sendTask(state, "finalize", nowMs, effects);
  const merge = cutRanges(state.listed, state.records, partRows);
  return goOn({ ...state, merge }, merge, nowMs, effects);
}

/** Sends as many ranges as may be under way, or, when all are merged, the step that joins them. At most `maxConcurrency` in one event. */
function goOn(state: JobState, merge: MergeProgress, nowMs: number, effects: readonly JobEffect[]): Draft {
  if (merge.done === merge.total) return sendTask({ ...state, merge }, "finalize", nowMs, effects);
  const places = Math.min(state.rules.maxConcurrency, state.window ?? Number.POSITIVE_INFINITY);
  const count = Math.max(0, Math.min(merge.total - merge.begun, places - (merge.begun - merge.done)));
  const sent = Array.from({ length: count }, (_, at) => {
    const task: JobTask = { step: 0, status: "waiting", attempt: 0, dueMs: 0 };
    return sendRange(state, { number: merge.begun + at, task, checkpoint: null }, nowMs, 0);
  });
  return {
    state: { ...state, merge: { ...merge, begun: merge.begun + count } },
    effects: [...effects, ...sent.flat()],
  };
}

/** Puts the range's current step on its way. */
function sendRange(state: JobState, range: MergeRange, nowMs: number, delaySeconds: number): JobEffect[] {
  const task: JobTask = { ...range.task, status: "sent", dueMs: nowMs + delaySeconds * 1000 + state.rules.resendMs };
  return [
    { kind: "put-range", range: { ...range, task } },
    { kind: "send-range", range: range.number, step: task.step, delaySeconds },
  ];
}

function isCurrent(state: JobState, { task }: MergeRange, step: number, attempt: number): boolean {
  return state.status === "finalizing" && task.status === "leased" && task.step === step && task.attempt === attempt;
}

/** Grants a step of a range unless it is done, another one, or under way and not overdue. */
export function beginRange(state: JobState, { range, step, nowMs }: Of<"merge-begin">): Draft | null {
  const { task } = range;
  if (state.status !== "finalizing" || task.step !== step || task.status === "done") return null;
  if (task.status === "leased" && nowMs < task.dueMs) return null;
  const dueMs = nowMs + state.rules.leaseMs;
  const leased: JobTask = { ...task, status: "leased", attempt: task.attempt + 1, dueMs };
  return { state, effects: [{ kind: "put-range", range: { ...range, task: leased } }] };
}

/** The consumer of a range's step is still at it. */
export function renewRange(state: JobState, { range, step, attempt, nowMs }: Of<"merge-renew">): Draft | null {
  if (!isCurrent(state, range, step, attempt)) return null;
  const task: JobTask = { ...range.task, dueMs: nowMs + state.rules.leaseMs };
  return { state, effects: [{ kind: "put-range", range: { ...range, task } }] };
}

/** Takes the report of a range's current step; a report of another step or attempt is not accepted. */
export function commitRange(state: JobState, event: Of<"merge-commit">): Draft | null {
  const { range, step, attempt, checkpoint, done, nowMs } = event;
  const { merge } = state;
  if (merge === undefined || !isCurrent(state, range, step, attempt)) return null;
  const opened = openWindow({ state, effects: [] });
  const task: JobTask = { step: step + 1, status: done ? "done" : "waiting", attempt: 0, dueMs: 0 };
  const next: MergeRange = { number: range.number, task, checkpoint };
  const own: JobEffect[] = done ? [{ kind: "put-range", range: next }] : sendRange(opened.state, next, nowMs, 0);
  const counted = done ? { ...merge, done: merge.done + 1 } : merge;
  const told: JobEffect[] = done ? [{ kind: "announce", event: "progress" }] : [];
  return goOn(opened.state, counted, nowMs, [...opened.effects, ...own, ...told]);
}

/** Sends a failed step of a range again, later; fails the job when its attempts are used up. */
export function retryRange(state: JobState, event: Of<"merge-retry">): Draft | null {
  const { range, step, attempt, failure, outage, nowMs } = event;
  if (!isCurrent(state, range, step, attempt)) return null;
  const waits = outage !== null && nowMs < state.rules.expiresMs;
  const failures = (range.task.failures ?? 0) + (waits ? 0 : 1);
  if (failures >= state.rules.maxTaskAttempts) return fail(state, failure, nowMs);
  const failed: MergeRange = { ...range, task: { ...range.task, failures } };
  if (!waits) return { state, effects: sendRange(state, failed, nowMs, backoffSeconds(failures, state.rules)) };
  const waiting = awaitStore(state, outage, nowMs);
  const effects = sendRange(waiting.state, failed, nowMs, pauseSeconds(waiting.state, nowMs));
  return withEffects(waiting.effects, { state: waiting.state, effects });
}

/** Called for a range whose time has come: sends its step again, until it has died too often. */
export function dueRange(state: JobState, { range, nowMs }: Of<"merge-due">): Draft | null {
  const { task } = range;
  if (state.status !== "finalizing" || (task.status !== "sent" && task.status !== "leased")) return null;
  if (nowMs < task.dueMs) return null;
  const deaths = (task.deaths ?? 0) + (task.status === "leased" ? 1 : 0);
  if (deaths >= state.rules.maxTaskDeaths) {
    const message = `merge step ${task.step} of part ${range.number} never finished`;
    return fail(state, { code: "internal", message } satisfies JobFailure, nowMs);
  }
  return { state, effects: sendRange(state, { ...range, task: { ...task, deaths } }, nowMs, 0) };
}
