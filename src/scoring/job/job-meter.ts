/**
 * What a job has used, counted for its receipt: operations of its stores, messages, calls of its coordinator. Counting stops when
 * finalizing begins, since the receipt is among what is then written and may not depend on how often a step was tried.
 */

import { addOperations, NO_OPERATIONS, type StoreOperations } from "../../storage/metered-store.ts";

/** Sums over the accepted events of a job. */
export interface JobMeter {
  /** Store operations of planning steps, and of finished chunks. */
  readonly planning: StoreOperations;
  readonly scoring: StoreOperations;
  /** Chunks as they were planned, before any split, and the reads of inputs that they need. */
  readonly plannedChunks: number;
  readonly plannedReads: number;
  /** Messages sent to the queue. */
  readonly messages: number;
  /** Events that the coordinator accepted, one call each. */
  readonly calls: number;
}

/** Nothing yet. */
export const EMPTY_METER: JobMeter = {
  planning: NO_OPERATIONS,
  scoring: NO_OPERATIONS,
  plannedChunks: 0,
  plannedReads: 0,
  messages: 0,
  calls: 0,
};

/** The meter after a planning step. */
export function meterPlan(
  meter: JobMeter,
  step: { readonly chunks: number; readonly reads: number; readonly operations: StoreOperations },
): JobMeter {
  return {
    ...meter,
    planning: addOperations(meter.planning, step.operations),
    plannedChunks: meter.plannedChunks + step.chunks,
    plannedReads: meter.plannedReads + step.reads,
  };
}

/** The meter after a finished chunk. */
export function meterChunk(meter: JobMeter, operations: StoreOperations): JobMeter {
  return { ...meter, scoring: addOperations(meter.scoring, operations) };
}

/** The meter of a job's state; that of a job from before there were any is empty. */
export function readMeter(state: { readonly meter?: JobMeter }): JobMeter {
  return state.meter ?? EMPTY_METER;
}
