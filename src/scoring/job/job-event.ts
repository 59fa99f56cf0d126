/** What can happen to a job, and what the job asks its surroundings to do. */

import type { StoreOperations } from "../../storage/metered-store.ts";
import type { Issue } from "../../errors.ts";
import type { JobState } from "./job-state.ts";
import type { JobFailure } from "./job-task.ts";
import type { ChunkResult, ChunkRow, ClientHold } from "./chunk-row.ts";
import type { RangePhase, RangeRow } from "./range-row.ts";
import type { ScanReport } from "./scan-progress.ts";
import type { StoreFailure } from "./store-failure.ts";

/** What can happen to a job. The time comes with the event, the machine has no clock. */
export type JobEvent = { readonly nowMs: number } & (
  | { readonly kind: "plan-begin"; readonly step: number; readonly batchEnd?: number }
  /** Inputs came into an open job, `count` of them for the first time. */
  | { readonly kind: "receive"; readonly count: number }
  | { readonly kind: "seal" }
  | {
      readonly kind: "plan-commit";
      readonly step: number;
      readonly attempt: number;
      readonly cursor: string | null;
      readonly items: number;
      readonly bytes: number;
      /** Reads that scoring the items will take; absent: one each. */
      readonly reads?: number;
      /** What the step asked of the stores; absent where it was not counted. */
      readonly operations?: StoreOperations;
      readonly pages: number;
      readonly chunks: readonly ChunkRow[];
      readonly issues: readonly Issue[];
      /** Folders of a partitioned data set that the inputs will have; absent: none. */
      readonly partitions?: readonly string[];
      /** Absent where the input is planned page after page. */
      readonly scan?: ScanReport;
    }
  | { readonly kind: "lease"; readonly chunk: ChunkRow }
  | { readonly kind: "finish"; readonly chunk: ChunkRow; readonly result: ChunkResult }
  /** The first `inputs` of a chunk are finished, the rest is not: its time was over, or the next one could not be read. */
  | {
      readonly kind: "finish-part";
      readonly chunk: ChunkRow;
      readonly attempt: number;
      readonly inputs: number;
      readonly result: ChunkResult;
      readonly failure: StoreFailure | null;
    }
  | {
      readonly kind: "release";
      readonly chunk: ChunkRow;
      readonly attempt: number;
      /** `null` for a failure of another kind. */
      readonly failure: StoreFailure | null;
    }
  | { readonly kind: "renew"; readonly chunk: ChunkRow; readonly attempt: number; readonly computing: boolean | null }
  | { readonly kind: "chunk-lost"; readonly chunk: ChunkRow }
  | { readonly kind: "chunk-due"; readonly chunk: ChunkRow }
  | {
      readonly kind: "task-retry";
      readonly task: "plan" | "finalize";
      readonly step: number;
      readonly attempt: number;
      readonly failure: JobFailure;
      /** The store whose failure it is; `null` for a failure of another kind. */
      readonly outage: StoreFailure | null;
    }
  | { readonly kind: "task-renew"; readonly task: "plan" | "finalize"; readonly step: number; readonly attempt: number }
  | { readonly kind: "client-lease"; readonly chunk: ChunkRow; readonly hold: ClientHold }
  | { readonly kind: "client-renew"; readonly chunk: ChunkRow; readonly hold: ClientHold }
  | { readonly kind: "client-return"; readonly chunk: ChunkRow; readonly hold: ClientHold }
  | { readonly kind: "client-reject"; readonly chunk: ChunkRow; readonly hold: ClientHold; readonly issue: Issue }
  | { readonly kind: "rank"; readonly outranked: boolean }
  | { readonly kind: "tick" }
  | { readonly kind: "pause" }
  /** With a budget, that is what the job may cost from now on, dollars. */
  | { readonly kind: "resume"; readonly budget?: number }
  /** What the key's jobs may still cost this month, dollars; `null`: anything. */
  | { readonly kind: "key-budget"; readonly left: number | null }
  | { readonly kind: "cancel" }
  | { readonly kind: "fail"; readonly failure: JobFailure }
  | { readonly kind: "finalize-begin"; readonly step: number }
  | { readonly kind: "finalize-commit"; readonly step: number; readonly attempt: number; readonly done: boolean }
  | ({ readonly kind: "range-begin" } & AboutRange)
  | ({ readonly kind: "range-renew"; readonly attempt: number } & AboutRange)
  | ({
      readonly kind: "range-commit";
      readonly attempt: number;
      readonly checkpoint: string | null;
      readonly done: boolean;
    } & AboutRange)
  | ({
      readonly kind: "range-retry";
      readonly attempt: number;
      readonly failure: JobFailure;
      readonly outage: StoreFailure | null;
    } & AboutRange)
  | { readonly kind: "range-due"; readonly phase: RangePhase; readonly range: RangeRow }
);

/** A step of a range, which comes with its row. */
interface AboutRange {
  readonly phase: RangePhase;
  readonly range: RangeRow;
  readonly step: number;
}

/** What the machine asks its shell to do. */
export type JobEffect =
  /** Write one chunk row, new or changed. */
  | { readonly kind: "put-chunk"; readonly chunk: ChunkRow }
  /** Mark the first `count` pending rows, in input order, as queued until `dueMs` and send their messages. */
  | { readonly kind: "dispatch"; readonly count: number; readonly dueMs: number; readonly delaySeconds: number }
  | { readonly kind: "send-chunk"; readonly chunkId: string; readonly delaySeconds: number }
  | {
      readonly kind: "send-task";
      readonly task: "plan" | "finalize";
      readonly step: number;
      readonly delaySeconds: number;
    }
  | { readonly kind: "put-range"; readonly phase: RangePhase; readonly range: RangeRow }
  | {
      readonly kind: "send-range";
      readonly phase: RangePhase;
      readonly range: number;
      readonly step: number;
      readonly delaySeconds: number;
    }
  /** Forget what came into an open job before this place and is planned; or all of it, and by what it is known. */
  | { readonly kind: "drop-arrivals"; readonly before: number | null }
  /** Tell the world: `status` at each change, `progress` in between. */
  | { readonly kind: "announce"; readonly event: "status" | "progress" };

/** The answer of the machine to one event. */
export interface Transition {
  readonly state: JobState;
  readonly effects: readonly JobEffect[];
  /** False for duplicates, late and impossible events: nothing changed. */
  readonly accepted: boolean;
}
