/** The moves that every part of the job machine shares. */

import type { JobEffect } from "./job-event.ts";
import type { JobState, Verdict } from "./job-state.ts";
import { JOB_STATUS_FACTS, type JobStatus } from "./job-status.ts";
import type { JobRules } from "./job-rules.ts";
import type { JobFailure } from "./job-task.ts";
import { countFinished } from "./outcome-counts.ts";
import { describeExcess } from "../manifest/output-formats.ts";
import { readMeter } from "./job-meter.ts";

/** A transition under construction. */
export interface Draft {
  readonly state: JobState;
  readonly effects: readonly JobEffect[];
}

/** True while new work may be handed out. */
export function isWorking(state: JobState): state is JobState & { status: "validating" | "queued" | "running" } {
  return JOB_STATUS_FACTS[state.status].phase === "working";
}

/** Takes a status and says so. */
export function enter(state: JobState, status: JobStatus, nowMs: number, effects: readonly JobEffect[] = []): Draft {
  return {
    state: { ...state, status, times: { ...state.times, [status]: nowMs } },
    effects: [...effects, { kind: "announce", event: "status" }],
  };
}

/** The job cannot be right, or cannot be finished; what is done is kept. */
export function fail(state: JobState, failure: JobFailure, nowMs: number): Draft | null {
  // While finalizing, the outputs themselves cannot be written: the job ends where it stands.
  if (state.status === "finalizing") return enter({ ...state, verdict: "failed", failure }, "failed", nowMs);
  return stop(state, "failed", failure, nowMs);
}

/** Stops handing out work; what is leased may still report until it does or expires. */
export function stop(state: JobState, verdict: Verdict, failure: JobFailure | null, nowMs: number): Draft | null {
  if (state.verdict !== null) return null;
  const { pausedFor: _, ...rest } = state;
  return enter({ ...rest, verdict, failure, pausedFrom: null }, "cancelling", nowMs);
}

/**
 * The failure of a job that would have more records than its outputs can hold, `null` if it may go on. An input without records yet will
 * have one at least: with `faces: "all"` how many is known only when its chunk has ended.
 * @param more inputs, or records beyond one per input, that are about to be counted
 */
export function findExcess(state: JobState, more: number): JobFailure | null {
  const { maxRecords } = state.rules;
  const atLeast = state.records + state.listed - countFinished(state.outcomes) + more;
  if (maxRecords === undefined || atLeast <= maxRecords) return null;
  return { code: "quota_exceeded", message: describeExcess(maxRecords) };
}

/** Prepends effects. */
export function withEffects(before: readonly JobEffect[], draft: Draft): Draft {
  return { state: draft.state, effects: [...before, ...draft.effects] };
}

/** 1, 2, 4 … seconds up to the maximum. Jitter is not needed: one task has one message. */
export function backoffSeconds(attempt: number, rules: Pick<JobRules, "maxBackoffSeconds">): number {
  return Math.min(rules.maxBackoffSeconds, 2 ** Math.max(0, attempt - 1));
}

/** The state with one more accepted event and its messages counted. */
export function countEvent(state: JobState, effects: readonly JobEffect[]): JobState {
  const meter = readMeter(state);
  const messages = effects.reduce((sum, effect) => sum + countMessages(effect), meter.messages);
  return { ...state, meter: { ...meter, messages, calls: meter.calls + 1 } };
}

function countMessages(effect: JobEffect): number {
  if (effect.kind === "dispatch") return effect.count;
  return ["send-chunk", "send-task", "send-range"].includes(effect.kind) ? 1 : 0;
}
