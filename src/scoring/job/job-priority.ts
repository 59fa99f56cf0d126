/**
 * Priorities: all jobs share one queue, which knows none, so a job holds its own chunks back. While a job of a higher priority
 * waits for the edge, one of a lower priority has a single chunk out, and that only now and then, and goes on as before once the other
 * has none to give. One chunk, not none: whatever becomes of the others, every job ends.
 */

import { isForEdge } from "./job-clients.ts";
import type { JobState } from "./job-state.ts";
import { pauseSeconds } from "./store-wait.ts";
import type { Draft } from "./job-transition.ts";

/** Chunks of an outranked job in the queue or leased at once. */
const OUTRANKED_CONCURRENCY = 1;

/** Seconds that an outranked job's chunk waits before it comes into the queue: its share of one consumer is a tenth or less. */
const OUTRANKED_DELAY_SECONDS = 3;

/** How long what is dispatched now waits first. */
export function delayDispatch(state: JobState, nowMs: number): number {
  return Math.max(pauseSeconds(state, nowMs), state.outranked === true ? OUTRANKED_DELAY_SECONDS : 0);
}

/**
 * Chunks that wait in the queue beyond those that are being scored. All jobs share one queue, first come, first served: who puts in all
 * that it may would keep those who come later waiting behind it. With few of each in it, jobs take turns, one chunk's time each; where
 * consumers are free, each lease brings one more, so that the places in use double until there are as many as there are consumers.
 */
const QUEUED_AHEAD = 2;

/** Chunks that the job may have in the queue or leased now. */
export function countPlaces(state: JobState): number {
  const { leased } = state.chunks;
  const ahead = leased + Math.max(QUEUED_AHEAD, leased);
  const places = Math.min(state.rules.maxConcurrency, state.window ?? Number.POSITIVE_INFINITY, ahead);
  return state.outranked === true ? Math.min(OUTRANKED_CONCURRENCY, places) : places;
}

/** Whether jobs of a lower priority should step back: this one has, or will have, chunks to give to the edge. */
export function wantsEdge(state: JobState, nowMs: number): boolean {
  const { status, chunks, plan, open } = state;
  if (status !== "validating" && status !== "queued" && status !== "running") return false;
  if (!isForEdge(state, nowMs)) return false;
  // An open job into which nothing comes keeps nobody waiting.
  const plans = open === undefined ? plan.status !== "done" : open.received > open.planned;
  return plans || chunks.pending + chunks.queued > 0;
}

/** Takes note of whether a job of a higher priority wants the edge; not accepted where that is known. */
export function rankJob(state: JobState, outranked: boolean): Draft | null {
  return (state.outranked ?? false) === outranked ? null : { state: { ...state, outranked }, effects: [] };
}
