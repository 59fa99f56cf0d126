/**
 * What the job machine knows: aggregates only. Chunks live as rows beside it, and an event brings the one row that it
 * touches, so that an event costs the same for one chunk and for 400,000.
 */

import type { StoreWait } from "./store-failure.ts";
import type { Issue } from "../../errors.ts";
import type { Erasure } from "./erasure-state.ts";
import type { JobMeter } from "./job-meter.ts";
import type { OutcomeCounts, ErrorCounts } from "./outcome-counts.ts";
import type { OpenProgress } from "./open-progress.ts";
import type { JobTask, JobFailure } from "./job-task.ts";
import type { JobRules } from "./job-rules.ts";
import type { MergeProgress } from "./merge-range.ts";
import type { ScanProgress } from "./scan-progress.ts";
import type { JobStatus, Spent } from "./job-status.ts";

/** Why the job is being finalized; decides the end state and the records of inputs that were not scored. */
export type Verdict = "completed" | "failed" | "cancelled" | "expired";

/** The machine's state: small, whatever the size of the job. */
export interface JobState {
  readonly id: string;
  readonly rules: JobRules;
  readonly status: JobStatus;
  readonly verdict: Verdict | null;
  /** Status to return to on resume. */
  readonly pausedFrom: "validating" | "queued" | "running" | null;
  /** Why a paused job is: `budget`, its own is used up, `key_budget`, its key's is; absent: somebody wanted it. */
  readonly pausedFor?: Spent;
  /** What the job may cost, dollars; absent: anything. */
  readonly budget?: number;
  readonly createdMs: number;
  /** When each status was last entered. */
  readonly times: Readonly<Partial<Record<JobStatus, number>>>;
  readonly plan: JobTask;
  readonly planCursor: string | null;
  readonly listed: number;
  readonly listedBytes: number;
  readonly pages: number;
  /** Folders that the inputs listed so far will have; absent: none by group, or the listing has ended. */
  readonly partitions?: readonly string[];
  /** Chunks by what is still to do; `done` includes sealed ones; a split chunk is replaced by its halves. */
  readonly chunks: {
    readonly pending: number;
    readonly queued: number;
    readonly leased: number;
    readonly done: number;
  };
  readonly outcomes: OutcomeCounts;
  readonly errors: ErrorCounts;
  /** Records by label, in label order; absent: none was counted. */
  readonly labels?: readonly number[];
  /** The chunk that was finished last: its part has the newest records; absent: none was. */
  readonly lastChunk?: string;
  readonly records: number;
  /** Counted operations of finished chunks, for the receipt. */
  readonly reads: number;
  readonly readBytes: number;
  /** What was used so far; absent in jobs from before it was counted. */
  readonly meter?: JobMeter;
  /** Engines that scored finished chunks, sorted. */
  readonly engines: readonly string[];
  /** What decoded pictures besides this package, sorted; absent: nothing. */
  readonly decoders?: readonly string[];
  /** Chunks that clients finished, and those that were taken back from them; absent: none. */
  readonly clientChunks?: { readonly done: number; readonly expired: number; readonly rejected: number };
  /** Keys whose records disagreed with the edge's: they get no more leases of this job. */
  readonly blockedKeys?: readonly string[];
  /** When a client last took, renewed or finished a chunk. */
  readonly clientSeenMs?: number;
  /** The store that the job waits for; absent or `null`: none. */
  readonly waiting?: StoreWait | null;
  /** Chunks that may be out at once while a store recovers; absent or `null`: as many as the job's limits say. */
  readonly window?: number | null;
  /** A job of a higher priority wants the edge; absent: none does. */
  readonly outranked?: boolean;
  readonly issues: readonly Issue[];
  readonly failure: JobFailure | null;
  readonly finalize: JobTask;
  /** Of an open job; absent: the input was named when it was submitted. */
  readonly open?: OpenProgress;
  /** How far the ranges of the input are listed; absent: it is listed page after page. */
  readonly scan?: ScanProgress;
  /** How far the parts of a data set are merged; absent: not begun, or the outputs are single files. */
  readonly merge?: MergeProgress;
  /** Generation of the outputs; absent: 0, nothing was erased. */
  readonly generation?: number;
  /** The erasure under way, or the last one; absent: none was asked for. */
  readonly erasure?: Erasure;
  /** Outcomes a second, exponentially averaged over about 20 s; `null` until two reports came in. */
  readonly rate: { readonly perSecond: number | null; readonly atMs: number; readonly counted: number };
  readonly announcedMs: number;
}

/** Inputs that a new job would take up again: those of `errors.jsonl`. */
export function countRetried({ outcomes, verdict }: Pick<JobState, "outcomes" | "verdict">): number {
  return outcomes.failed + outcomes.skipped + outcomes.expired + (verdict === "failed" ? outcomes.cancelled : 0);
}

/** The status that a finalizing job ends in. */
export function endStatus(state: JobState): JobStatus {
  if (state.verdict !== null && state.verdict !== "completed") return state.verdict;
  return state.outcomes.failed + state.outcomes.skipped > 0 ? "completed_with_errors" : "completed";
}
