/**
 * The port to the rows of one job: synchronous and transactional, as the SQLite of a Durable Object is. Everything
 * that a coordinator must not forget is here.
 */

import type { JobState } from "./job-state.ts";
import type { ArrivedInput } from "../manifest/input-spec.ts";
import type { ChunkRow } from "./chunk-row.ts";
import type { Notice } from "./notice.ts";
import type { JobSpec } from "./job-spec.ts";
import type { RangePhase, RangeRow } from "./range-row.ts";

/** One line of a job's event stream. */
export interface JobEventRow {
  /** Ascending from 1, without gaps. */
  readonly id: number;
  readonly type: "status" | "progress";
  readonly atMs: number;
  /** JSON text of a job view. */
  readonly data: string;
}

/** The rows of one job. `src/jobs/sqlite-rows.ts` in production, `memory-rows.ts` in a local run. */
export interface JobRows {
  /** All writes of `body` or none. */
  transaction<T>(body: () => T): T;
  readState(): JobState | null;
  writeState(state: JobState): void;
  readSpec(): JobSpec | null;
  writeSpec(spec: JobSpec): void;
  /** JSON text that finalization carries from step to step. */
  readCheckpoint(): string | null;
  writeCheckpoint(text: string | null): void;
  /** The notice that still has to be sent; `null` if there is none. */
  readNotice(): Notice | null;
  writeNotice(notice: Notice | null): void;
  readChunk(id: string): ChunkRow | null;
  writeChunk(chunk: ChunkRow): void;
  /** Marks the first `limit` pending rows, in input order, as queued until `dueMs`; their ids. */
  takePending(limit: number, dueMs: number): readonly string[];
  /** For a client: the first pending row, or the last queued one that was never leased, since the edge comes from the front. */
  findOffer(status: "pending" | "queued"): ChunkRow | null;
  /** The secret that signs what clients are given; `null` before the first client. */
  readClientSecret(): string | null;
  writeClientSecret(secret: string): void;
  /** Queued and leased rows whose `dueMs` has passed, oldest first. */
  listDue(nowMs: number, limit: number): readonly ChunkRow[];
  /** Rows in input order, without split ones, whose first input is ≥ `fromIndex`. */
  listChunks(fromIndex: number, limit: number): readonly ChunkRow[];
  /** Rows of the generation that is being built, kept apart until `adoptStagedChunks` puts them in the place of all others. */
  stageChunks(chunks: readonly ChunkRow[]): void;
  clearStagedChunks(): void;
  adoptStagedChunks(): void;
  /** Puts staged rows beside the others, in the place of those with the same id. */
  mergeStagedChunks(): void;
  /** The ranges of each phase are numbered from 0. */
  readRange(phase: RangePhase, number: number): RangeRow | null;
  writeRange(phase: RangePhase, range: RangeRow): void;
  /** Ranges whose step was sent or leased and is due, oldest first. */
  listDueRanges(phase: RangePhase, nowMs: number, limit: number): readonly RangeRow[];
  /** Of these names of inputs, those under which nothing came in so far. */
  listUnknownArrivals(names: readonly string[]): readonly string[];
  /** What came into an open job, all of it for the first time: it has the places from `first` on. */
  addArrivals(first: number, inputs: readonly ArrivedInput[], names: readonly string[]): void;
  /** The end of a batch that begins at a place: whole additions, at least one, up to so many inputs and characters. */
  findBatchEnd(from: number, maxInputs: number, maxLength: number): number;
  readArrivals(from: number, end: number): readonly ArrivedInput[];
  /** Forgets what came in before this place; names stay known. `null`: everything. */
  dropArrivals(before: number | null): void;
  /** Frozen pages in order, after the first `skip`. */
  listPages(skip: number, limit: number): readonly string[];
  addPages(keys: readonly string[]): void;
  /** Appends and drops what is older than the newest `keep`; the id of the new row. */
  appendEvent(type: JobEventRow["type"], atMs: number, data: string, keep: number): number;
  listEvents(afterId: number, limit: number): readonly JobEventRow[];
}
