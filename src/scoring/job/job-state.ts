/**
 * What the job machine knows: aggregates only. Chunks live as rows beside it, and an event brings the one row that it
 * touches, so that an event costs the same for one chunk and for 400,000.
 */

import { ERROR_CODES, type ErrorCode, type Issue } from "../../errors.ts";
import type { Erasure } from "./erasure.ts";
import type { StoreOperations } from "../../storage/metered-store.ts";
import type { JobMeter } from "./job-meter.ts";
import { OUTCOMES, type Outcome } from "../records/records.ts";

/** Every status, in the order in which a job may pass through them. */
export const JOB_STATUSES = [
  "validating",
  "queued",
  "running",
  "paused",
  "cancelling",
  "finalizing",
  "completed",
  "completed_with_errors",
  "failed",
  "cancelled",
  "expired",
] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** Why the job is being finalised; decides the end state and the records of inputs that were not scored. */
export type Verdict = "completed" | "failed" | "cancelled" | "expired";

/** Inputs by outcome. */
export type OutcomeCounts = Readonly<Record<Outcome, number>>;
/** Inputs by error code. */
export type ErrorCounts = Readonly<Partial<Record<ErrorCode, number>>>;

/** A sequential piece of work of which at most one step is under way: planning, finalising. */
export interface JobTask {
  /** Next step to run, from 0. */
  readonly step: number;
  readonly status: "waiting" | "sent" | "leased" | "done";
  /** Deliveries of this step so far. */
  readonly attempt: number;
  /** When it is looked at again if nothing was heard, ms since the epoch. */
  readonly dueMs: number;
}

/** A run of consecutive inputs inside one frozen page. */
export interface ChunkRow {
  /** `000000256` (its first input), and after splits `000000256.0`, `000000256.1.0`: deterministic, so the same work always has the same name. */
  readonly id: string;
  /** Index of the first input in the job's order. */
  readonly first: number;
  /** Inputs, ≥ 1. */
  readonly count: number;
  /** Key of the frozen page and the bytes of this chunk's lines in it. */
  readonly pageKey: string;
  readonly offset: number;
  readonly length: number;
  readonly status: "pending" | "queued" | "leased" | "done" | "split" | "sealed";
  /** Leases granted so far. */
  readonly attempt: number;
  /** Leases that expired without a report, or messages that ended among the dead letters. */
  readonly expiries: number;
  /** Queued: when to send again. Leased: the deadline. Otherwise 0. */
  readonly dueMs: number;
  /** What a finished chunk reported. */
  readonly result: ChunkResult | null;
  /** The client that holds it; absent while nobody or the edge does. */
  readonly client?: ClientHold | null;
}

/** A chunk in the hands of a client: only its key, with this nonce, may renew, return or submit it. */
export interface ClientHold {
  readonly keyId: string;
  readonly nonce: string;
}

/** The report of one finished chunk; the records themselves are in its part object. */
export interface ChunkResult {
  readonly outcomes: OutcomeCounts;
  readonly errors: ErrorCounts;
  /** Records written: equal to the inputs except with `faces: "all"`. */
  readonly records: number;
  /** SHA-256 of the part object, hex, and its bytes. */
  readonly sha256: string;
  readonly bytes: number;
  /** Storage operations, for the receipt. */
  readonly reads: number;
  readonly readBytes: number;
  /** Everything that was asked of the stores, those reads included; absent where it was not counted. */
  readonly operations?: StoreOperations;
  /** What computed it, for the run lock. */
  readonly engine: string;
  /** The submission that it came with, if a client computed it: the same one again is not an error. */
  readonly client?: ClientHold;
}

/** A job's constants, as far as the machine needs them. */
export interface JobRules {
  readonly maxConcurrency: number;
  /** Share of failed inputs, 0…1, above which the job fails, after `errorMinimumSample` outcomes. */
  readonly errorThreshold: number;
  readonly errorMinimumSample: number;
  readonly expiresMs: number;
  /** Dispatch while planning goes on (listings), or only after every line was validated (manifest objects). */
  readonly eager: boolean;
  readonly leaseMs: number;
  readonly resendMs: number;
  readonly maxChunkAttempts: number;
  readonly maxSingleExpiries: number;
  readonly maxTaskAttempts: number;
  readonly maxBackoffSeconds: number;
  readonly maxIssues: number;
  readonly progressMs: number;
  /** Who scores; absent: the edge. */
  readonly execution?: "edge" | "client" | "auto";
  /** Records that the outputs can hold; absent in jobs of before it was looked at: their finalisation refuses. */
  readonly maxRecords?: number;
  /** With `client`, the edge takes over when no client asked for so long. */
  readonly clientWaitMs?: number;
}

/** Why a job failed. */
export interface JobFailure {
  readonly code: ErrorCode;
  readonly message: string;
}

/** The machine's state: small, whatever the size of the job. */
export interface JobState {
  readonly id: string;
  readonly rules: JobRules;
  readonly status: JobStatus;
  readonly verdict: Verdict | null;
  /** Status to return to on resume. */
  readonly pausedFrom: "validating" | "queued" | "running" | null;
  readonly createdMs: number;
  /** When each status was last entered. */
  readonly times: Readonly<Partial<Record<JobStatus, number>>>;
  readonly plan: JobTask;
  readonly planCursor: string | null;
  readonly listed: number;
  readonly listedBytes: number;
  readonly pages: number;
  /** Chunks by what is still to do; `done` includes sealed ones; a split chunk is replaced by its halves. */
  readonly chunks: {
    readonly pending: number;
    readonly queued: number;
    readonly leased: number;
    readonly done: number;
  };
  readonly outcomes: OutcomeCounts;
  readonly errors: ErrorCounts;
  readonly records: number;
  /** Counted operations of finished chunks, for the receipt. */
  readonly reads: number;
  readonly readBytes: number;
  /** What was used so far; absent in jobs from before it was counted. */
  readonly meter?: JobMeter;
  /** Engines that scored finished chunks, sorted. */
  readonly engines: readonly string[];
  /** Chunks that clients finished, and those that were taken back from them; absent: none. */
  readonly clientChunks?: { readonly done: number; readonly expired: number; readonly rejected: number };
  /** Keys whose records disagreed with the edge's: they get no more leases of this job. */
  readonly blockedKeys?: readonly string[];
  /** When a client last took, renewed or finished a chunk. */
  readonly clientSeenMs?: number;
  /** A job of a higher priority wants the edge; absent: none does. */
  readonly outranked?: boolean;
  readonly issues: readonly Issue[];
  readonly failure: JobFailure | null;
  readonly finalize: JobTask;
  /** Generation of the outputs; absent: 0, nothing was erased. */
  readonly generation?: number;
  /** The erasure under way, or the last one; absent: none was asked for. */
  readonly erasure?: Erasure;
  /** Outcomes a second, exponentially averaged over about 20 s; `null` until two reports came in. */
  readonly rate: { readonly perSecond: number | null; readonly atMs: number; readonly counted: number };
  readonly announcedMs: number;
}

/** All zero. */
export function emptyOutcomes(): OutcomeCounts {
  return { scored: 0, no_face: 0, skipped: 0, failed: 0, cancelled: 0, expired: 0 };
}

/** Sum by outcome. */
export function addOutcomes(a: OutcomeCounts, b: OutcomeCounts): OutcomeCounts {
  const sum: Record<Outcome, number> = { ...a };
  for (const outcome of OUTCOMES) sum[outcome] += b[outcome];
  return sum;
}

/** Sum by code. */
export function addErrors(a: ErrorCounts, b: ErrorCounts): ErrorCounts {
  const sum: Partial<Record<ErrorCode, number>> = { ...a };
  for (const code of ERROR_CODES) {
    const count = b[code];
    if (count !== undefined) sum[code] = (sum[code] ?? 0) + count;
  }
  return sum;
}

/** Inputs with an outcome. */
export function countFinished(outcomes: OutcomeCounts): number {
  return OUTCOMES.reduce((sum, outcome) => sum + outcomes[outcome], 0);
}

const END_STATUSES: ReadonlySet<JobStatus> = new Set([
  "completed",
  "completed_with_errors",
  "failed",
  "cancelled",
  "expired",
]);

/** True once nothing can change any more. */
export function isEnded(status: JobStatus): boolean {
  return END_STATUSES.has(status);
}

/** The status that a finalising job ends in. */
export function endStatus(state: JobState): JobStatus {
  if (state.verdict !== null && state.verdict !== "completed") return state.verdict;
  return state.outcomes.failed + state.outcomes.skipped > 0 ? "completed_with_errors" : "completed";
}
