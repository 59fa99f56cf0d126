/** What an erasure has to remove and how far it has come; erasure.ts advances it. */

import type { JobFailure, JobTask } from "./job-task.ts";
import type { ErrorCounts, OutcomeCounts } from "./outcome-counts.ts";

/** What is to be removed: every input of an object or, with `id`, one input inside a shard or table. */
export interface EraseTarget {
  readonly key: string;
  readonly id: string | null;
}

/** How far an erasure has come. */
export type EraseProgress =
  /** Looking for the targets in `input.jsonl`, from this byte on. */
  | {
      readonly kind: "search";
      readonly offset: number;
      /** Of a data set: the list of inputs that is read, and the ranges in which a target was found. */
      readonly list?: number;
      readonly found?: readonly number[];
    }
  /** Writing the new generation; `carry` is the key of what the previous step left, `null` at first. */
  | {
      readonly kind: "rebuild";
      readonly carry: string | null;
      /** Of a data set: the ranges in which a target was found. */
      readonly ranges?: readonly number[];
    }
  /** The new generation is in force: deleting what it replaces. */
  | { readonly kind: "clean" };

/** The erasure under way, or the last one. */
export interface Erasure {
  /** Number of the generation that it writes; never used twice, so that a step of a failed erasure cannot write into a later one's. */
  readonly generation: number;
  /** Empty once they are gone: nothing remembers them. */
  readonly targets: readonly EraseTarget[];
  /** Targets requested while it was under way, for the next erasure. */
  readonly waiting: readonly EraseTarget[];
  readonly task: JobTask;
  readonly progress: EraseProgress;
  /** Inputs that all erasures of the job have removed. */
  readonly inputs: number;
  readonly failure: JobFailure | null;
}

/** What a new generation leaves out. */
export interface Removed {
  readonly inputs: number;
  readonly bytes: number;
  readonly records: number;
  readonly outcomes: OutcomeCounts;
  readonly errors: ErrorCounts;
  /** Records by label; absent in steps from before it was counted. */
  readonly labels?: readonly number[];
}

/** What one step found. `rebuilt`: the new generation is whole. */
export type EraseOutcome =
  | { readonly kind: "next"; readonly progress: EraseProgress }
  /** `rewritten`: of a data set, the ranges that are new. */
  | { readonly kind: "rebuilt"; readonly removed: Removed; readonly rewritten?: readonly number[] }
  | { readonly kind: "cleaned" };
