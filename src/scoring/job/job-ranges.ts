/** Steps of ranges: leased like those of planning, many ranges at once. */

import type { JobEffect, JobEvent } from "./job-event.ts";
import { noteMerged } from "./job-merge.ts";
import { noteListed } from "./job-scan.ts";
import type { JobState } from "./job-state.ts";
import type { JobFailure, JobTask } from "./job-task.ts";
import { backoffSeconds, type Draft, fail, isWorking, withEffects } from "./job-transition.ts";
import type { RangePhase, RangeRow } from "./range-row.ts";
import { sendRange } from "./range-steps.ts";
import { awaitStore, openWindow, pauseSeconds } from "./store-wait.ts";

type Of<K extends JobEvent["kind"]> = Extract<JobEvent, { kind: K }>;

/** Whether the phase hands out steps. */
function isOpen(state: JobState, phase: RangePhase): boolean {
  return phase === "merge" ? state.status === "finalizing" : isWorking(state);
}

/** A paused job takes what its consumers still bring. */
function isCurrent(
  state: JobState,
  { phase, range, step, attempt }: Of<"range-renew" | "range-commit" | "range-retry">,
) {
  const { task } = range;
  const open = isOpen(state, phase) || (phase === "scan" && state.status === "paused");
  return open && task.status === "leased" && task.step === step && task.attempt === attempt;
}

/** Grants a step of a range unless it is done, another one, or under way and not overdue. */
export function beginRange(state: JobState, { phase, range, step, nowMs }: Of<"range-begin">): Draft | null {
  const { task } = range;
  if (!isOpen(state, phase) || task.step !== step || task.status === "done") return null;
  if (task.status === "leased" && nowMs < task.dueMs) return null;
  const dueMs = nowMs + state.rules.leaseMs;
  const leased: JobTask = { ...task, status: "leased", attempt: task.attempt + 1, dueMs };
  return { state, effects: [{ kind: "put-range", phase, range: { ...range, task: leased } }] };
}

/** The consumer of a range's step is still at it. */
export function renewRange(state: JobState, event: Of<"range-renew">): Draft | null {
  if (!isCurrent(state, event)) return null;
  const { phase, range, nowMs } = event;
  const task: JobTask = { ...range.task, dueMs: nowMs + state.rules.leaseMs };
  return { state, effects: [{ kind: "put-range", phase, range: { ...range, task } }] };
}

/** Takes the report of a range's current step; a report of another step or attempt is not accepted. */
export function commitRange(state: JobState, event: Of<"range-commit">): Draft | null {
  const { phase, range, step, checkpoint, done, nowMs } = event;
  if (state[phase] === undefined || !isCurrent(state, event)) return null;
  const opened = openWindow({ state, effects: [] });
  const task: JobTask = { step: step + 1, status: done ? "done" : "waiting", attempt: 0, dueMs: 0 };
  const next: RangeRow = { number: range.number, task, checkpoint };
  const own: JobEffect[] = done
    ? [{ kind: "put-range", phase, range: next }]
    : sendRange(opened.state, phase, next, nowMs, 0);
  const written = { state: opened.state, effects: [...opened.effects, ...own] };
  if (!done) return written;
  return phase === "merge" ? noteMerged(written, nowMs) : noteListed(written, range.number, nowMs);
}

/** Sends a failed step of a range again, later; fails the job when its attempts are used up. */
export function retryRange(state: JobState, event: Of<"range-retry">): Draft | null {
  if (!isCurrent(state, event)) return null;
  const { phase, range, failure, outage, nowMs } = event;
  const waits = outage !== null && nowMs < state.rules.expiresMs;
  const failures = (range.task.failures ?? 0) + (waits ? 0 : 1);
  if (failures >= state.rules.maxTaskAttempts) return fail(state, failure, nowMs);
  const failed: RangeRow = { ...range, task: { ...range.task, failures } };
  if (!waits) return { state, effects: sendRange(state, phase, failed, nowMs, backoffSeconds(failures, state.rules)) };
  const waiting = awaitStore(state, outage, nowMs);
  const effects = sendRange(waiting.state, phase, failed, nowMs, pauseSeconds(waiting.state, nowMs));
  return withEffects(waiting.effects, { state: waiting.state, effects });
}

/** Called for a range whose time has come: sends its step again, until it has died too often. */
export function dueRange(state: JobState, { phase, range, nowMs }: Of<"range-due">): Draft | null {
  const { task } = range;
  if (!isOpen(state, phase) || (task.status !== "sent" && task.status !== "leased")) return null;
  if (nowMs < task.dueMs) return null;
  const deaths = (task.deaths ?? 0) + (task.status === "leased" ? 1 : 0);
  if (deaths >= state.rules.maxTaskDeaths) {
    const message = `${phase} step ${task.step} of part ${range.number} never finished`;
    return fail(state, { code: "internal", message } satisfies JobFailure, nowMs);
  }
  return { state, effects: sendRange(state, phase, { ...range, task: { ...task, deaths } }, nowMs, 0) };
}
