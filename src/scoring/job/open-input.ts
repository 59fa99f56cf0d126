/** An open job: its inputs come in while it runs, are planned batch by batch, and end with its seal. */

import type { ArrivedInput } from "../manifest/input-spec.ts";
import type { OpenProgress } from "./open-progress.ts";
import type { JobState } from "./job-state.ts";
import { progress } from "./job-progress.ts";
import { sendTask } from "./job-tasks.ts";
import { type Draft, isWorking } from "./job-transition.ts";

/** What became of inputs that were sent to a job; `known` had come before. */
export type AddedInputs =
  | { readonly kind: "added"; readonly added: number; readonly known: number; readonly received: number }
  | { readonly kind: "refused"; readonly reason: "not_open" | "sealed" | "ended" | "full" };

/** By what an input is known when it comes again: key, etag, version and place in the object, whatever it is called. */
export function nameArrival({ key, etag, versionId, range }: ArrivedInput): string {
  return JSON.stringify([key, etag, versionId ?? null, range?.offset ?? null, range?.length ?? null]);
}

/** Why the job takes no inputs; `null`: it does. */
export function findRefusal(state: JobState): "not_open" | "sealed" | "ended" | null {
  if (state.open === undefined) return "not_open";
  if (!isWorking(state) && state.status !== "paused") return "ended";
  return state.open.sealedMs === null ? null : "sealed";
}

/** Whether there is a batch to plan. */
export function isBatchDue({ open, rules }: Pick<JobState, "open" | "rules">, nowMs: number): boolean {
  if (open === undefined || rules.open === undefined) return false;
  const { planned, batchEnd, received, waitingSinceMs, sealedMs } = open;
  if (batchEnd > planned) return true;
  if (received === planned) return false;
  const { gatherInputs, gatherMs } = rules.open;
  return sealedMs !== null || received - planned >= gatherInputs || (waitingSinceMs ?? nowMs) + gatherMs <= nowMs;
}

/** Inputs came in that had not come before: `count` of them. */
export function receiveInputs(state: JobState, count: number, nowMs: number): Draft | null {
  const { open } = state;
  if (open === undefined || findRefusal(state) !== null) return null;
  const next = { ...open, received: open.received + count, waitingSinceMs: open.waitingSinceMs ?? nowMs };
  return planDue(progress({ ...state, open: next }, [], nowMs), nowMs);
}

/** No more inputs follow: the job goes on like any other, with the time of any other. */
export function sealInput(state: JobState, nowMs: number): Draft | null {
  const { open, rules } = state;
  if (open === undefined || rules.open === undefined || findRefusal(state) !== null) return null;
  const sealed: JobState = {
    ...state,
    open: { ...open, sealedMs: nowMs },
    rules: { ...rules, expiresMs: nowMs + rules.open.sealedLifeMs },
  };
  const isPlanned = state.plan.status === "waiting" && open.received === open.planned;
  const next: JobState = isPlanned ? { ...sealed, plan: { ...sealed.plan, status: "done" } } : sealed;
  return planDue({ state: next, effects: [{ kind: "announce", event: "status" }] }, nowMs);
}

/** Sends the planning step of a batch that is due, unless one is under way. */
export function planDue(draft: Draft, nowMs: number): Draft {
  const { state, effects } = draft;
  if (state.plan.status !== "waiting" || !isWorking(state) || !isBatchDue(state, nowMs)) return draft;
  return sendTask(state, "plan", nowMs, effects);
}

/** The state in which a planning step begins: between batches, the next one begins with it. */
export function beginBatch(state: JobState, batchEnd: number | undefined): JobState {
  const { open } = state;
  if (open === undefined || batchEnd === undefined || open.batchEnd > open.planned) return state;
  return { ...state, open: { ...open, batchEnd } };
}

/** The state's part after a planning step. @param isOver whether the step ended its batch */
export function noteBatch({ open }: JobState, isOver: boolean, nowMs: number): { open?: OpenProgress } {
  if (open === undefined) return {};
  if (!isOver) return { open };
  const waits = open.received > open.batchEnd;
  return { open: { ...open, planned: open.batchEnd, waitingSinceMs: waits ? nowMs : null } };
}

/** What came in and was not planned when the job ended, as a sentence; `null`: nothing. */
export function describeLeftOut({ open, verdict }: Pick<JobState, "open" | "verdict">): string | null {
  if (open === undefined || verdict === null || open.received === open.planned) return null;
  const count = open.received - open.planned;
  return `${count} ${count === 1 ? "input" : "inputs"} came in shortly before the job ended and ${count === 1 ? "is" : "are"} in no output`;
}
