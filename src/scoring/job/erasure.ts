/**
 * Removing images from an ended job, as a pure machine beside the job's own: search for them, build a new generation of
 * the outputs without them, put it in force, delete the old one. One step at a time, leased like planning and finalizing.
 */

import type { JobState } from "./job-state.ts";
import { isEnded } from "./job-status.ts";
import type { JobFailure, JobTask } from "./job-task.ts";
import { addErrors, addLabels, addOutcomes } from "./outcome-counts.ts";
import { backoffSeconds } from "./job-transition.ts";
import { scrubState } from "./scrub.ts";
import type { EraseTarget, Erasure, Removed, EraseOutcome } from "./erasure-state.ts";

/** The state after an event, and the message to send. */
export interface EraseMove {
  readonly state: JobState;
  readonly send: { readonly step: number; readonly delaySeconds: number } | null;
}

/** True while there is something to do. */
export function isErasing(state: JobState): boolean {
  return state.erasure !== undefined && state.erasure.task.status !== "done";
}

/** Takes a target; `null` if it is known already, there are `maxTargets`, or the job has not ended. */
export function askErasure(state: JobState, target: EraseTarget, nowMs: number, maxTargets: number): EraseMove | null {
  const { erasure } = state;
  if (!isEnded(state.status)) return null;
  // Targets of an erasure that failed are still to be removed.
  const known = [...(erasure?.targets ?? []), ...(erasure?.waiting ?? [])];
  const isKnown = known.some(({ key, id }) => key === target.key && id === target.id);
  if (!isErasing(state)) return start(state, isKnown ? known : [...known, target], nowMs);
  if (isKnown || known.length >= maxTargets) return null;
  return { state: { ...state, erasure: { ...erasure!, waiting: [...erasure!.waiting, target] } }, send: null };
}

function start(state: JobState, targets: readonly EraseTarget[], nowMs: number): EraseMove {
  const { erasure } = state;
  return send(
    state,
    {
      generation: Math.max(state.generation ?? 0, erasure?.generation ?? 0) + 1,
      targets,
      waiting: [],
      // Step numbers keep counting, so that a message of an earlier erasure never fits.
      task: { step: (erasure?.task.step ?? -1) + 1, status: "sent", attempt: 0, dueMs: 0 },
      progress: { kind: "search", offset: 0 },
      inputs: erasure?.inputs ?? 0,
      failure: null,
    },
    nowMs,
    0,
  );
}

function send(state: JobState, erasure: Erasure, nowMs: number, delaySeconds: number): EraseMove {
  const dueMs = nowMs + delaySeconds * 1000 + state.rules.resendMs;
  const task: JobTask = { ...erasure.task, status: "sent", dueMs };
  return { state: { ...state, erasure: { ...erasure, task } }, send: { step: task.step, delaySeconds } };
}

/** Grants a step unless it is done, another one, or under way and not overdue. */
export function beginErasure(state: JobState, step: number, nowMs: number): EraseMove | null {
  const { erasure } = state;
  if (erasure === undefined || erasure.task.step !== step || erasure.task.status === "done") return null;
  if (erasure.task.status === "leased" && nowMs < erasure.task.dueMs) return null;
  const attempt = erasure.task.attempt + 1;
  const task: JobTask = {
    step,
    status: "leased",
    attempt,
    dueMs: nowMs + (state.rules.unwatchedLeaseMs ?? state.rules.leaseMs),
  };
  return { state: { ...state, erasure: { ...erasure, task } }, send: null };
}

function isCurrent(erasure: Erasure | undefined, step: number, attempt: number): erasure is Erasure {
  return erasure?.task.status === "leased" && erasure.task.step === step && erasure.task.attempt === attempt;
}

/** Takes the report of the current step; a report of another step or attempt is not accepted. */
export function commitErasure(
  state: JobState,
  report: { readonly step: number; readonly attempt: number; readonly outcome: EraseOutcome },
  nowMs: number,
): EraseMove | null {
  const { erasure } = state;
  if (!isCurrent(erasure, report.step, report.attempt)) return null;
  const task: JobTask = { step: report.step + 1, status: "sent", attempt: 0, dueMs: 0 };
  const { outcome } = report;
  switch (outcome.kind) {
    case "next":
      return send(state, { ...erasure, task, progress: outcome.progress }, nowMs, 0);
    case "rebuilt": {
      const lighter = scrubState(subtract(state, outcome.removed), erasure.targets);
      const inputs = erasure.inputs + outcome.removed.inputs;
      const next: Erasure = { ...erasure, task, inputs, progress: { kind: "clean" } };
      const marked = markRewritten(lighter, outcome.rewritten ?? [], erasure.generation);
      return send({ ...marked, generation: erasure.generation }, next, nowMs, 0);
    }
    default: {
      const done: Erasure = { ...erasure, targets: [], waiting: [], task: { ...task, status: "done" } };
      const ended = { ...state, erasure: done };
      return erasure.waiting.length === 0 ? { state: ended, send: null } : start(ended, erasure.waiting, nowMs);
    }
  }
}

function negate<T extends Readonly<Partial<Record<string, number>>>>(counts: T): T {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same keys
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, -(count ?? 0)])) as T;
}

/** The job with these ranges of its data set in a new generation; one of single files is the same. */
export function markRewritten(state: JobState, ranges: readonly number[], generation: number): JobState {
  const { merge } = state;
  if (merge === undefined) return state;
  const rewritten = { ...merge.rewritten, ...Object.fromEntries(ranges.map((range) => [range, generation])) };
  return { ...state, merge: { ...merge, rewritten } };
}

/** What the job counts without what a new generation lacks. */
export function subtract(state: JobState, removed: Removed): JobState {
  const errors = Object.entries(addErrors(state.errors, negate(removed.errors))).filter(([, count]) => count !== 0);
  return {
    ...state,
    listed: state.listed - removed.inputs,
    listedBytes: state.listedBytes - removed.bytes,
    records: state.records - removed.records,
    outcomes: addOutcomes(state.outcomes, negate(removed.outcomes)),
    ...(state.labels === undefined
      ? {}
      : {
          labels: addLabels(
            state.labels,
            removed.labels?.map((count) => -count),
          ),
        }),
    errors: Object.fromEntries(errors),
  };
}

/** Sends a failed step again, later; gives up when it cannot succeed or its attempts are used up. */
export function retryErasure(
  state: JobState,
  at: { readonly step: number; readonly attempt: number; readonly failure: JobFailure; readonly isFatal: boolean },
  nowMs: number,
): EraseMove | null {
  const { erasure } = state;
  if (!isCurrent(erasure, at.step, at.attempt)) return null;
  if (at.isFatal || at.attempt >= state.rules.maxTaskAttempts) return giveUp(state, erasure, at.failure);
  return send(state, erasure, nowMs, backoffSeconds(at.attempt, state.rules));
}

/** Sends an overdue step again, until its attempts are used up. */
export function tickErasure(state: JobState, nowMs: number): EraseMove | null {
  const { erasure } = state;
  if (erasure === undefined || erasure.task.status === "done" || nowMs < erasure.task.dueMs) return null;
  if (erasure.task.attempt < state.rules.maxTaskAttempts) return send(state, erasure, nowMs, 0);
  const message = `erasing: step ${erasure.task.step} never finished`;
  return giveUp(state, erasure, { code: "internal", message });
}

/** The targets stay: the next erasure still has to remove them. */
function giveUp(state: JobState, erasure: Erasure, failure: JobFailure): EraseMove {
  const targets = [...erasure.targets, ...erasure.waiting];
  const task: JobTask = { ...erasure.task, status: "done" };
  return { state: { ...state, erasure: { ...erasure, targets, waiting: [], task, failure } }, send: null };
}
