/** What consumers and the API ask of a job's coordinator; every call may be repeated. */

import type { Issue } from "../../errors.ts";
import type { ArrivedInput } from "../manifest/input-spec.ts";
import type { StoreOperations } from "../../storage/metered-store.ts";
import type { JobEventRow } from "./job-rows.ts";
import type { Notice } from "./notice.ts";
import type { AddedInputs } from "./open-input.ts";
import type { StoreFailure } from "./store-failure.ts";
import type { JobSpec } from "./job-spec.ts";
import type { JobState } from "./job-state.ts";
import type { JobFailure } from "./job-task.ts";
import type { RangePhase, RangeRow } from "./range-row.ts";
import type { ScanReport } from "./scan-progress.ts";
import type { ChunkResult, ChunkRow, ClientHold } from "./chunk-row.ts";

/** The right to run one planning step. */
export interface PlanTicket {
  readonly spec: JobSpec;
  readonly step: number;
  readonly attempt: number;
  readonly cursor: string | null;
  /** Index of the next input. */
  readonly firstIndex: number;
  /** Number of the next page. */
  readonly firstPage: number;
  /** Of an open job, the batch to plan; the cursor counts within it. */
  readonly arrived?: readonly ArrivedInput[];
  /** The ranges of the listing, once there are some; `ready`: the next ones that are listed. */
  readonly scan?: {
    readonly key: string;
    readonly total: number;
    readonly taken: number;
    readonly ready: readonly RangeRow[];
  };
}

/** What one planning step found and froze. */
export interface PlanReport {
  readonly step: number;
  readonly attempt: number;
  /** `null` after the last page. */
  readonly cursor: string | null;
  readonly items: number;
  readonly bytes: number;
  /** Reads that scoring the items will take; absent: one per item. */
  readonly reads?: number;
  /** What the step asked of the stores; absent if it was not counted. */
  readonly operations?: StoreOperations;
  readonly pageKeys: readonly string[];
  readonly chunks: readonly ChunkRow[];
  readonly issues: readonly Issue[];
  /** Folders of a partitioned data set that the inputs will have; absent: none. */
  readonly partitions?: readonly string[];
  readonly scan?: ScanReport;
}

/** The right to score one chunk until the deadline. */
export interface ChunkLease {
  readonly spec: JobSpec;
  readonly chunk: ChunkRow;
}

/** The beginning of a chunk that was scored, and why scoring stopped there. */
export interface FinishedPart {
  /** At least one, fewer than the chunk has. */
  readonly inputs: number;
  readonly result: ChunkResult;
  /** The store that did not return the next input; `null` if the time was over. */
  readonly failure: StoreFailure | null;
}

/** The right to run one finalizing step. */
export interface FinalizeTicket {
  readonly spec: JobSpec;
  readonly state: JobState;
  readonly step: number;
  readonly attempt: number;
  /** What the previous step left, JSON text; `null` at first. */
  readonly checkpoint: string | null;
}

/** What one finalizing step left for the next. */
export interface FinalizeReport {
  readonly step: number;
  readonly attempt: number;
  readonly checkpoint: string | null;
  readonly done: boolean;
}

/** The right to run one step of a range. */
export interface RangeTicket {
  readonly spec: JobSpec;
  readonly state: JobState;
  readonly range: RangeRow;
  readonly step: number;
  readonly attempt: number;
}

/** What one step of a range left for the next. */
export interface RangeReport {
  readonly phase: RangePhase;
  readonly range: number;
  readonly step: number;
  readonly attempt: number;
  readonly checkpoint: string | null;
  readonly done: boolean;
}

/** What a caller may ask of a running job. */
export type JobCommand = "pause" | "resume" | "cancel";

/** The port to a job's coordinator. A call that comes twice, late or out of order is refused and changes nothing. */
export interface JobCoordinator {
  /** Creates the job unless it exists; returns the state either way. */
  create(spec: JobSpec): Promise<JobState>;
  read(): Promise<{ readonly spec: JobSpec; readonly state: JobState } | null>;
  /**
   * False if the job's state does not allow it.
   * @param budget with `resume`: what the job may cost from now on, dollars
   */
  command(command: JobCommand, budget?: number): Promise<boolean>;
  /** Takes all of them into an open job, or none. `null`: there is no job. */
  addInputs(inputs: readonly ArrivedInput[]): Promise<AddedInputs | null>;
  /** No more inputs follow. True if the job is sealed now, or was before; false if it is not open, or ended otherwise. */
  seal(): Promise<boolean>;
  beginPlan(step: number): Promise<PlanTicket | null>;
  commitPlan(report: PlanReport): Promise<boolean>;
  lease(chunkId: string): Promise<ChunkLease | null>;
  finish(chunkId: string, result: ChunkResult): Promise<boolean>;
  /** The first `inputs` of the chunk are stored as a part of their own; the rest goes back. */
  finishPart(chunkId: string, attempt: number, part: FinishedPart): Promise<boolean>;
  /** Gives back a chunk of which nothing is finished; `failure` is the store that failed, `null` for any other reason. */
  release(chunkId: string, attempt: number, failure: StoreFailure | null): Promise<boolean>;
  /** The consumer is still at it; for a single input `computing` tells when that begins (true) and ends (false). */
  renew(chunkId: string, attempt: number, computing: boolean | null): Promise<boolean>;
  /** The message of a chunk ended among the dead letters. */
  loseChunk(chunkId: string): Promise<boolean>;
  /** @param outage the store that was in the way; `null` for anything else */
  retryTask(
    task: "plan" | "finalize",
    step: number,
    attempt: number,
    failure: JobFailure,
    outage: StoreFailure | null,
  ): Promise<boolean>;
  /** The consumer of a step is still at it. */
  renewTask(task: "plan" | "finalize", step: number, attempt: number): Promise<boolean>;
  /** The job cannot succeed. */
  fail(failure: JobFailure): Promise<boolean>;
  beginFinalize(step: number): Promise<FinalizeTicket | null>;
  commitFinalize(report: FinalizeReport): Promise<boolean>;
  beginRange(phase: RangePhase, range: number, step: number): Promise<RangeTicket | null>;
  commitRange(report: RangeReport): Promise<boolean>;
  /** As `retryTask`, for a step of a range. */
  retryRange(
    at: Pick<RangeReport, "phase" | "range" | "step" | "attempt">,
    failure: JobFailure,
    outage: StoreFailure | null,
  ): Promise<boolean>;
  readRange(phase: RangePhase, range: number): Promise<RangeRow | null>;
  renewRange(phase: RangePhase, range: number, step: number, attempt: number): Promise<boolean>;
  /** Grants a chunk to a client; `null` if none is free for it. */
  leaseToClient(hold: ClientHold): Promise<ChunkLease | null>;
  /** The new deadline; `null` if the client no longer holds the chunk. */
  renewClient(chunkId: string, hold: ClientHold): Promise<number | null>;
  /** The chunk goes to the edge; with an issue, the client's key is blocked for this job. */
  returnFromClient(chunkId: string, hold: ClientHold, issue: Issue | null): Promise<boolean>;
  readChunk(chunkId: string): Promise<ChunkRow | null>;
  /** The job's secret for signing; `candidate` (random) becomes it if there is none. */
  shareClientSecret(candidate: string): Promise<string>;
  listChunks(fromIndex: number, limit: number): Promise<readonly ChunkRow[]>;
  listPages(skip: number, limit: number): Promise<readonly string[]>;
  /** The given chunk ids without a finished chunk: parts that no report counts. At most 1,000 ids. */
  listOrphans(ids: readonly string[]): Promise<readonly string[]>;
  listEvents(afterId: number, limit: number): Promise<readonly JobEventRow[]>;
  /** What to send, where, and the key of the job; `null` if it has been sent or given up. */
  readNotice(
    eventId: number,
  ): Promise<{ readonly url: string; readonly keyId: string | null; readonly notice: Notice } | null>;
  /** The receiver has it. */
  finishNotice(eventId: number): Promise<void>;
  /** Finds lost work; returns when to be called again, or `null` once the job has ended. */
  sweep(): Promise<number | null>;
}
