/** From a page of inputs to chunks: pure. */

import { findsFaces } from "../records/face-mode.ts";
import { concatUint8Arrays } from "uint8array-extras";
import { listReads } from "../inputs/item-reader.ts";
import type { ChunkRow } from "../job/chunk-row.ts";
import type { Limits } from "../limits.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { InputItem } from "../records/input-item.ts";
import { serializeFrozenItem } from "../inputs/frozen-line.ts";

/** How large a chunk may be. */
export interface ChunkPlanOptions {
  /** Inputs of a chunk. */
  readonly chunkSize: number;
  /** Bytes of a chunk's inputs; a single larger one makes a chunk of its own. */
  readonly maxChunkBytes: number;
  /** Assumed for inputs whose size is not known yet. */
  readonly assumedBytes: number;
}

/** How large the chunks of a job may be. */
export function chooseChunkPlan(
  manifest: Pick<Manifest, "faces" | "format" | "limits">,
  limits: Limits,
): ChunkPlanOptions {
  const { chunkSize } = manifest.limits;
  const { maxChunkBytes, maxFaceChunkBytes, assumedFaceBytes } = limits;
  return findsFaces(manifest)
    ? { chunkSize, maxChunkBytes: maxFaceChunkBytes, assumedBytes: assumedFaceBytes }
    : { chunkSize, maxChunkBytes, assumedBytes: 0 };
}

/** Chunks per scorer: enough that all scorers work, and end at about the same time. */
const SHARES = 4;

/** Smaller chunks for a job whose whole input is one page, which `scorers` work on. */
export function spreadChunks(options: ChunkPlanOptions, items: number, scorers: number): ChunkPlanOptions {
  const share = Math.max(1, Math.ceil(items / (SHARES * scorers)));
  return { ...options, chunkSize: Math.min(options.chunkSize, share) };
}

/** A frozen page: its lines, and the chunks with the byte range of theirs. */
export interface FrozenPage {
  readonly body: Uint8Array;
  readonly chunks: readonly ChunkRow[];
}

/** Freezes a page and cuts it into chunks by number and by weight. A chunk never crosses a page. */
export function planChunks(items: readonly InputItem[], pageKey: string, options: ChunkPlanOptions): FrozenPage {
  const encoder = new TextEncoder();
  const lines = items.map((item) => encoder.encode(`${serializeFrozenItem(item)}\n`));
  const chunks: ChunkRow[] = [];
  let at = 0;
  let start = 0;
  let offset = 0;
  let weight = 0;
  const close = (end: number): void => {
    if (end === start) return;
    chunks.push(makeChunk(items[start]!.index, end - start, pageKey, offset, at - offset));
    start = end;
    offset = at;
    weight = 0;
  };
  for (const [index, item] of items.entries()) {
    const bytes = item.size ?? options.assumedBytes;
    if (index - start >= options.chunkSize || (index > start && weight + bytes > options.maxChunkBytes)) close(index);
    at += lines[index]!.length;
    weight += bytes;
  }
  close(items.length);
  return { body: concatUint8Arrays(lines), chunks };
}

/** Reads that scoring a page's chunks takes: packed neighbors within a chunk come together. */
export function countChunkReads(items: readonly InputItem[], chunks: readonly ChunkRow[], limits: Limits): number {
  const start = items[0]?.index ?? 0;
  const rules = { maxBytes: limits.maxImageBytes, maxRunBytes: limits.maxRunBytes, maxGapBytes: limits.maxGapBytes };
  return chunks.reduce((sum, { first, count }) => {
    const own = items.slice(first - start, first - start + count);
    return sum + listReads(own, rules).length;
  }, 0);
}

/** A chunk that nobody has touched. */
export function makeChunk(first: number, count: number, pageKey: string, offset: number, length: number): ChunkRow {
  return {
    // Named by its first input: deterministic, in order, and no counter to lose.
    id: String(first).padStart(9, "0"),
    first,
    count,
    pageKey,
    offset,
    length,
    status: "pending",
    attempt: 0,
    expiries: 0,
    dueMs: 0,
    result: null,
  };
}
