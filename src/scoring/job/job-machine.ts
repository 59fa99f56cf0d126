/**
 * The life of a job as a pure function `(state, event) → { state, effects, accepted }`. No clock, no storage, no queue:
 * an event carries the time and the one chunk row that it touches. A duplicate or late event is not accepted and
 * changes nothing, which is what makes at-least-once delivery in any order safe.
 */

import { finishChunk, finishPart, leaseChunk, renewChunk } from "./job-chunks.ts";
import { isForEdge, leaseToClient, rejectClient, renewClient, returnFromClient } from "./job-clients.ts";
import type { JobEffect, JobEvent, Transition } from "./job-event.ts";
import type { JobState } from "./job-state.ts";
import { countAffordable, isSpent } from "./job-budget.ts";
import { isEnded, type Spent } from "./job-status.ts";
import type { JobRules } from "./job-rules.ts";
import type { JobTask } from "./job-task.ts";
import { addErrors, countFinished, emptyOutcomes } from "./outcome-counts.ts";
import { countEvent, type Draft, enter, fail, isWorking, stop, withEffects } from "./job-transition.ts";
import { countPlaces, delayDispatch, rankJob } from "./job-priority.ts";
import { dueChunk, loseChunk, releaseChunk } from "./job-trouble.ts";
import { beginMerging } from "./job-merge.ts";
import { commitPlan } from "./job-plan.ts";
import { beginRange, commitRange, dueRange, renewRange, retryRange } from "./job-ranges.ts";
import { canPlan, goOnScanning } from "./job-scan.ts";
import { beginBatch, planDue, receiveInputs, sealInput } from "./open-input.ts";
import { NOTHING_RECEIVED } from "./open-progress.ts";
import { beginTask, commitFinalize, renewTask, retryTask, sendTask, tickTask } from "./job-tasks.ts";

/** A job as it is created: its first planning step is on its way. */
export function createJob(id: string, rules: JobRules, nowMs: number): Transition {
  const waiting: JobTask = { step: 0, status: "waiting", attempt: 0, dueMs: 0 };
  const isOpen = rules.open !== undefined;
  // There is nothing to plan before something comes in.
  const status = isOpen ? "queued" : "validating";
  const state: JobState = {
    id,
    rules,
    status,
    ...(rules.budget === undefined ? {} : { budget: rules.budget }),
    verdict: null,
    pausedFrom: null,
    createdMs: nowMs,
    times: { [status]: nowMs },
    plan: waiting,
    planCursor: null,
    listed: 0,
    listedBytes: 0,
    pages: 0,
    chunks: { pending: 0, queued: 0, leased: 0, done: 0 },
    outcomes: emptyOutcomes(),
    errors: {},
    records: 0,
    reads: 0,
    readBytes: 0,
    engines: [],
    issues: [],
    failure: null,
    finalize: waiting,
    rate: { perSecond: null, atMs: nowMs, counted: 0 },
    announcedMs: nowMs,
    ...(isOpen && { open: NOTHING_RECEIVED }),
  };
  const told: JobEffect[] = [{ kind: "announce", event: "status" }];
  const sent = isOpen ? { state, effects: told } : sendTask(state, "plan", nowMs, told);
  return { state: countEvent(sent.state, sent.effects), effects: sent.effects, accepted: true };
}

/** The machine. Never throws; an event that does not fit is not accepted. */
export function advanceJob(state: JobState, event: JobEvent): Transition {
  const draft = isEnded(state.status) ? null : applyEvent(state, event);
  if (draft === null) return { state, effects: [], accepted: false };
  const settled = settle(draft, event.nowMs);
  const metered = state.status === "finalizing" ? settled.state : countEvent(settled.state, settled.effects);
  return { state: metered, effects: settled.effects, accepted: true };
}

function applyEvent(state: JobState, event: JobEvent): Draft | null {
  switch (event.kind) {
    case "plan-begin":
      return isWorking(state) ? beginTask(beginBatch(state, event.batchEnd), "plan", event.step, event.nowMs) : null;
    case "receive":
      return receiveInputs(state, event.count, event.nowMs);
    case "seal":
      return sealInput(state, event.nowMs);
    case "finalize-begin":
      return state.status === "finalizing" ? beginTask(state, "finalize", event.step, event.nowMs) : null;
    case "task-retry":
      return retryTask(state, event);
    case "task-renew":
      return renewTask(state, event);
    case "plan-commit":
      return commitPlan(state, event);
    case "finalize-commit":
      return commitFinalize(state, event);
    case "lease":
      return leaseChunk(state, event.chunk, event.nowMs);
    case "finish":
      return finishChunk(state, event.chunk, event.result, event.nowMs);
    case "release":
      return releaseChunk(state, event);
    case "finish-part":
      return finishPart(state, event);
    case "renew":
      return renewChunk(state, event);
    case "chunk-lost":
      return loseChunk(state, event.chunk, event.nowMs);
    case "chunk-due":
      return dueChunk(state, event.chunk, event.nowMs);
    case "client-lease":
      return leaseToClient(state, event.chunk, event.hold, event.nowMs);
    case "client-renew":
      return renewClient(state, event.chunk, event.hold, event.nowMs);
    case "client-return":
      return returnFromClient(state, event.chunk, event.hold, event.nowMs);
    case "client-reject":
      return rejectClient(state, event.chunk, event.hold, event.issue, event.nowMs);
    case "range-begin":
      return beginRange(state, event);
    case "range-renew":
      return renewRange(state, event);
    case "range-commit":
      return commitRange(state, event);
    case "range-retry":
      return retryRange(state, event);
    case "range-due":
      return dueRange(state, event);
    case "rank":
      return rankJob(state, event.outranked);
    case "tick":
      return tick(state, event.nowMs);
    case "pause":
      return pause(state, event.nowMs);
    case "resume":
      return resume(state, event.budget, event.nowMs);
    case "key-budget":
      return event.left !== null && event.left <= 0 ? pause(state, event.nowMs, "key_budget") : null;
    case "cancel":
      return isWorking(state) || state.status === "paused" ? stop(state, "cancelled", null, event.nowMs) : null;
    // The one kind that is left: fail.
    default:
      return fail(state, event.failure, event.nowMs);
  }
}

function pause(state: JobState, nowMs: number, pausedFor?: Spent): Draft | null {
  if (!isWorking(state)) return null;
  const paused: JobState = { ...state, pausedFrom: state.status };
  return enter(pausedFor === undefined ? paused : { ...paused, pausedFor }, "paused", nowMs);
}

/** Not accepted where the job would pause again at once. */
function resume(paused: JobState, budget: number | undefined, nowMs: number): Draft | null {
  if (paused.status !== "paused" || paused.pausedFrom === null) return null;
  const { pausedFor: _, ...rest } = paused;
  const state: JobState = { ...rest, ...(budget === undefined ? {} : { budget }) };
  if (isSpent(state)) return null;
  const back = enter({ ...state, pausedFrom: null }, paused.pausedFrom, nowMs);
  // A message that came while the job was paused was dropped: send again, a duplicate does no harm.
  const planning = state.plan.status === "sent" || (state.plan.status === "waiting" && canPlan(state, nowMs));
  const sent = planning ? sendTask(back.state, "plan", nowMs, back.effects) : back;
  return goOnScanning(sent, nowMs);
}

function tick(state: JobState, nowMs: number): Draft | null {
  if (nowMs >= state.rules.expiresMs && state.verdict === null) return stop(state, "expired", null, nowMs);
  const draft = planDue(tickTask({ state, effects: [] }, "plan", nowMs), nowMs);
  return tickTask(draft, "finalize", nowMs);
}

/** What follows from any event: fill the queue up to the concurrency, or go on to finalize when nothing is left. */
function settle(draft: Draft, nowMs: number): Draft {
  const { state, effects } = draft;
  const { pending, queued, leased } = state.chunks;
  if (state.status === "cancelling") return leased === 0 ? beginFinalizing(draft, nowMs) : draft;
  if (isWorking(state) && isSpent(state)) {
    const paused = pause(state, nowMs, "budget");
    return paused === null ? draft : withEffects(effects, paused);
  }
  if (state.status !== "queued" && state.status !== "running") return draft;
  if (state.plan.status === "done" && pending + queued + leased === 0) return beginFinalizing(draft, nowMs);
  if (!isForEdge(state, nowMs)) return draft;
  const affordable = countAffordable(state) ?? Number.POSITIVE_INFINITY;
  const count = Math.min(pending, countPlaces(state) - queued - leased, affordable);
  if (count <= 0) return draft;
  const delaySeconds = delayDispatch(state, nowMs);
  const dueMs = nowMs + delaySeconds * 1000 + state.rules.resendMs;
  return {
    state: { ...state, chunks: { ...state.chunks, pending: pending - count, queued: queued + count } },
    effects: [...effects, { kind: "dispatch", count, dueMs, delaySeconds }],
  };
}

/** Every listed input without an outcome gets the verdict's: from here on the counts are final. */
function beginFinalizing(draft: Draft, nowMs: number): Draft {
  const { state } = draft;
  const verdict = state.verdict ?? "completed";
  const rest = state.listed - countFinished(state.outcomes);
  const outcome = verdict === "expired" ? "expired" : "cancelled";
  const counted: JobState = {
    ...state,
    waiting: null,
    window: null,
    verdict,
    outcomes: { ...state.outcomes, [outcome]: state.outcomes[outcome] + rest },
    errors: rest > 0 ? addErrors(state.errors, { [`item_${outcome}`]: rest }) : state.errors,
    records: state.records + rest,
  };
  const effects: JobEffect[] = state.open === undefined ? [] : [{ kind: "drop-arrivals", before: null }];
  return beginMerging(enter(counted, "finalizing", nowMs, [...draft.effects, ...effects]), nowMs);
}
