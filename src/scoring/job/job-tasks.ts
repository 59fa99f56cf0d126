/** Planning and finalizing: sequential steps, one at a time, leased like chunks. */

import type { JobEffect, JobEvent } from "./job-event.ts";
import { endStatus, type JobState } from "./job-state.ts";
import type { JobFailure, JobTask } from "./job-task.ts";
import { awaitStore, openWindow, pauseSeconds } from "./store-wait.ts";
import { backoffSeconds, type Draft, enter, fail, isWorking, withEffects } from "./job-transition.ts";

/** Puts the task's current step on its way. */
export function sendTask(
  state: JobState,
  task: "plan" | "finalize",
  nowMs: number,
  effects: readonly JobEffect[] = [],
  delaySeconds = 0,
): Draft {
  const dueMs = nowMs + delaySeconds * 1000 + state.rules.resendMs;
  return {
    state: { ...state, [task]: { ...state[task], status: "sent", dueMs } },
    effects: [...effects, { kind: "send-task", task, step: state[task].step, delaySeconds }],
  };
}

/** Grants a step unless it is done, another one, or under way and not overdue. */
export function beginTask(state: JobState, task: "plan" | "finalize", step: number, nowMs: number): Draft | null {
  const current = state[task];
  if (current.step !== step || current.status === "done" || current.status === "waiting") return null;
  if (current.status === "leased" && nowMs < current.dueMs) return null;
  const leased: JobTask = {
    ...current,
    status: "leased",
    attempt: current.attempt + 1,
    dueMs: nowMs + state.rules.leaseMs,
  };
  return { state: { ...state, [task]: leased }, effects: [] };
}

/** The consumer of a step is still at it. */
export function renewTask(state: JobState, event: Extract<JobEvent, { kind: "task-renew" }>): Draft | null {
  const current = state[event.task];
  if (current.step !== event.step || current.status !== "leased" || current.attempt !== event.attempt) return null;
  return { state: { ...state, [event.task]: { ...current, dueMs: event.nowMs + state.rules.leaseMs } }, effects: [] };
}

/** Sends a failed step again, later; fails the job when its attempts are used up. */
export function retryTask(state: JobState, event: Extract<JobEvent, { kind: "task-retry" }>): Draft | null {
  const current = state[event.task];
  if (current.step !== event.step || current.status !== "leased" || current.attempt !== event.attempt) return null;
  const { outage, nowMs } = event;
  // Until the job's time is over a store may come back; a job that is being finalized after that gets as many tries as others.
  const waits = outage !== null && nowMs < state.rules.expiresMs;
  const failures = (current.failures ?? 0) + (waits ? 0 : 1);
  if (failures >= state.rules.maxTaskAttempts) return fail(state, event.failure, nowMs);
  const failed: JobState = { ...state, [event.task]: { ...current, failures } };
  if (event.task === "plan" && !isWorking(state)) {
    return { state: { ...failed, plan: { ...failed.plan, status: "waiting" } }, effects: [] };
  }
  if (!waits) return sendTask(failed, event.task, nowMs, [], backoffSeconds(failures, state.rules));
  const waiting = awaitStore(failed, outage, nowMs);
  return sendTask(waiting.state, event.task, nowMs, waiting.effects, pauseSeconds(waiting.state, nowMs));
}

/** Takes the report of the current finalizing step. */
export function commitFinalize(state: JobState, event: Extract<JobEvent, { kind: "finalize-commit" }>): Draft | null {
  const { finalize } = state;
  if (state.status !== "finalizing" || finalize.step !== event.step) return null;
  if (finalize.status !== "leased" || finalize.attempt !== event.attempt) return null;
  const step: JobTask = { step: finalize.step + 1, status: event.done ? "done" : "waiting", attempt: 0, dueMs: 0 };
  const { state: next, effects } = openWindow({ state: { ...state, finalize: step }, effects: [] });
  return event.done
    ? enter(next, endStatus(next), event.nowMs, effects)
    : sendTask(next, "finalize", event.nowMs, effects);
}

/** Sends an overdue step again, until its attempts are used up. */
export function tickTask(draft: Draft, task: "plan" | "finalize", nowMs: number): Draft {
  const { state, effects } = draft;
  const current = state[task];
  const alive = task === "plan" ? isWorking(state) : state.status === "finalizing";
  if (!alive || (current.status !== "sent" && current.status !== "leased") || nowMs < current.dueMs) return draft;
  const deaths = (current.deaths ?? 0) + (current.status === "leased" ? 1 : 0);
  if (deaths >= state.rules.maxTaskDeaths) {
    const failure: JobFailure = { code: "internal", message: `${task} step ${current.step} never finished` };
    return withEffects(effects, fail(state, failure, nowMs) ?? draft);
  }
  return sendTask({ ...state, [task]: { ...current, deaths } }, task, nowMs, effects);
}
