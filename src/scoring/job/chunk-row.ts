/** A chunk as its coordinator keeps it, and what a finished one reported. */

import type { StoreOperations } from "../../storage/metered-store.ts";
import type { OutcomeCounts, ErrorCounts } from "./outcome-counts.ts";

/** A run of consecutive inputs inside one frozen page. */
export interface ChunkRow {
  /** `000000256` (its first input) or, for a piece of a chunk, `000000300_56` (and how many): deterministic, so the same work always has the same name. */
  readonly id: string;
  /** Index of the first input in the job's order. */
  readonly first: number;
  /** Inputs, ≥ 1. */
  readonly count: number;
  /** Key of the frozen page and the bytes of this chunk's lines in it. */
  readonly pageKey: string;
  readonly offset: number;
  readonly length: number;
  /** Inputs before those of the range that its page belongs to: its lines count from there. Absent: none. */
  readonly base?: number;
  readonly status: "pending" | "queued" | "leased" | "done" | "split" | "sealed";
  /** Leases granted so far. */
  readonly attempt: number;
  /** For a single input: how often computing it began and nothing more was heard. */
  readonly expiries: number;
  /** Attempts that failed for a reason that may be its own fault: an engine that broke, a consumer that died, an object that a store does not return. Absent: none. */
  readonly failures?: number;
  /** Queued: when to send again. Leased: the deadline. Otherwise 0. */
  readonly dueMs: number;
  /** What a finished chunk reported; of a sealed one, why it was given up. */
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
  /** Records by label, in label order; absent in reports from before it was counted. */
  readonly labels?: readonly number[];
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
  /** What decoded pictures of it besides this package; absent: nothing. */
  readonly decoders?: readonly string[];
  /** The submission that it came with, if a client computed it: the same one again is not an error. */
  readonly client?: ClientHold;
}
