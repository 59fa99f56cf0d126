/** Halving a chunk that cannot be finished as a whole, down to a single image that is sealed. */

import type { ChunkRow } from "./chunk-row.ts";

/**
 * The two halves. They keep the page and the byte range of the whole; which of its lines are theirs follows from
 * `first` and `count`, so no page has to be read to split.
 */
export function splitChunk(chunk: ChunkRow): readonly [ChunkRow, ChunkRow] {
  const left = Math.ceil(chunk.count / 2);
  const half = (suffix: 0 | 1, first: number, count: number): ChunkRow => ({
    ...chunk,
    id: `${chunk.id}.${suffix}`,
    first,
    count,
    status: "pending",
    attempt: 0,
    expiries: 0,
    dueMs: 0,
    result: null,
  });
  return [half(0, chunk.first, left), half(1, chunk.first + left, chunk.count - left)];
}

/** Whether a chunk of this id came of a split, and not of the plan. */
export function isHalf(id: string): boolean {
  return id.includes(".");
}

/** Closed without a part object: finalisation writes its records as `failed: item_poisoned`. */
export function sealChunk(chunk: ChunkRow): ChunkRow {
  return { ...chunk, status: "sealed", dueMs: 0 };
}
