/** The inputs of one chunk, from its frozen page. */

import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import type { ChunkRow } from "../job/chunk-row.ts";
import { splitLines } from "../records/record-line.ts";
import type { InputItem } from "../records/input-item.ts";
import { parseStored } from "../stored-json.ts";

/**
 * Reads the chunk's lines. A half of a split chunk keeps the byte range of the whole and picks its own.
 * @throws ScoringError `manifest_lost` if the page is gone or does not hold the chunk
 */
export async function readChunkItems(
  store: ObjectStore,
  chunk: ChunkRow,
  maxBytes: number,
): Promise<readonly InputItem[]> {
  const range = { offset: chunk.offset, length: chunk.length };
  const result = await store.read(chunk.pageKey, { range, maxBytes });
  if (result.kind !== "found") throw new ScoringError("manifest_lost", `${chunk.pageKey} is gone`);
  // This program wrote the lines, and nobody else may write there.
  const { base = 0 } = chunk;
  const items = splitLines(result.bytes)
    .map((line) => parseStored<InputItem>(line))
    .map((item) => (base === 0 ? item : { ...item, index: base + item.index }));
  const own = items.filter(({ index }) => index >= chunk.first && index < chunk.first + chunk.count);
  if (own.length !== chunk.count) throw new ScoringError("manifest_lost", `${chunk.pageKey} does not hold ${chunk.id}`);
  return own;
}
