/** The line of an input in a frozen page and in `input.jsonl`. */

import type { InputItem } from "../records/input-item.ts";

/** One line of `input.jsonl`. Key order is fixed, so that the same listing freezes to the same bytes. */
export function serializeItem(item: InputItem): string {
  const { index, id, key, size, etag, versionId, range, page, label, groups } = item;
  return JSON.stringify({ index, id, key, size, etag, versionId, range, page, label, groups });
}

/** The same with the position in the previous run, for the pages that chunks are read from. */
export function serializeFrozenItem(item: InputItem): string {
  const line = serializeItem(item);
  return item.prior === undefined ? line : `${line.slice(0, -1)},"prior":${item.prior}}`;
}
