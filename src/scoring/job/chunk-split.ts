/** Cuts a chunk that cannot be finished as a whole, down to a single image that is sealed. */

import { ERROR_CODES, type ErrorCode } from "../../errors.ts";
import type { ChunkRow } from "./chunk-row.ts";
import { emptyOutcomes } from "./outcome-counts.ts";

/**
 * The inputs before the `at`-th of a chunk, and the rest. They keep the page and the byte range of the whole; which of its lines are
 * theirs follows from `first` and `count`, so no page has to be read to cut.
 * @param at at least 1, fewer than the chunk has
 */
export function cutChunk(chunk: ChunkRow, at: number): readonly [ChunkRow, ChunkRow] {
  const piece = (first: number, count: number): ChunkRow => ({
    ...chunk,
    id: `${String(first).padStart(9, "0")}_${count}`,
    first,
    count,
    status: "pending",
    attempt: 0,
    expiries: 0,
    failures: 0,
    dueMs: 0,
    result: null,
    client: null,
  });
  return [piece(chunk.first, at), piece(chunk.first + at, chunk.count - at)];
}

/** The id of a piece: its first input, and how many. */
export function namePiece(first: number, count: number): string {
  return `${String(first).padStart(9, "0")}_${count}`;
}

/** The two halves of a chunk of at least two inputs. */
export function splitChunk(chunk: ChunkRow): readonly [ChunkRow, ChunkRow] {
  return cutChunk(chunk, Math.ceil(chunk.count / 2));
}

/** Whether a chunk with this id comes from a cut rather than from the plan. Older jobs named halves with a point. */
export function isPiece(id: string): boolean {
  return /[._]/.test(id);
}

/** Closed without a part object: finalization writes its record as `failed` with this code. */
export function sealChunk(chunk: ChunkRow, code: ErrorCode): ChunkRow {
  const outcomes = { ...emptyOutcomes(), failed: chunk.count };
  const errors = { [code]: chunk.count };
  const nothing = { sha256: "", bytes: 0, reads: 0, readBytes: 0, engine: "" };
  return { ...chunk, status: "sealed", dueMs: 0, result: { outcomes, errors, records: chunk.count, ...nothing } };
}

/** Why a sealed chunk was given up. */
export function findSealCode({ result }: ChunkRow): ErrorCode {
  return ERROR_CODES.find((code) => result?.errors[code] !== undefined) ?? "item_poisoned";
}
