/** Reads the bytes of one input exactly as it was frozen, or says why that is impossible. */

import type { ObjectStore, ReadOptions } from "../../storage/object-store.ts";
import type { InputItem } from "../records/input-item.ts";
import { cutFromPage, inflatePage, isPaged } from "./unpack-page.ts";

/** Bounds of one read. */
export interface ReadLimits {
  /** Bytes of one item. */
  readonly maxBytes: number;
}

/**
 * - `bytes`: the item, whole; `size` of the object (or of the range) and the object's `etag` as read.
 * - `missing`: no such object. `changed`: its etag, size or version is not the frozen one, or the range is gone.
 * - `empty`: zero bytes. `too_large`: above the limit, nothing was read.
 */
export type ItemBytes =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array; readonly etag: string; readonly size: number }
  | { readonly kind: "missing" }
  | { readonly kind: "changed" }
  | { readonly kind: "empty" }
  | { readonly kind: "too_large"; readonly size: number };

/**
 * Reads one item with `If-Match` on its frozen etag. Only transient failures throw (`store_*`), and
 * `input_invalid` for a range that lies outside an object whose etag was not frozen.
 */
export async function readItem(store: ObjectStore, item: InputItem, limits: ReadLimits): Promise<ItemBytes> {
  if (item.page !== undefined) return readPaged(store, item, limits);
  if (item.range?.length === 0) return { kind: "empty" };
  if (item.range !== undefined && item.range.length > limits.maxBytes) {
    return { kind: "too_large", size: item.range.length };
  }
  const options: ReadOptions = {
    maxBytes: limits.maxBytes,
    ...(item.etag === null ? {} : { ifMatch: item.etag }),
    ...(item.range === undefined ? {} : { range: item.range }),
    ...(item.versionId === undefined ? {} : { versionId: item.versionId }),
  };
  const result = await store.read(item.key, options);
  if (result.kind !== "found" && result.kind !== "too_large") return { kind: result.kind };
  const { info } = result;
  const size = item.range === undefined ? info.size : Math.min(item.range.length, info.size - item.range.offset);
  // The row was frozen with its size: a shorter object is another object, even if no etag was known.
  const shrunk = item.range !== undefined && size < item.range.length;
  const resized = item.range === undefined && item.size !== null && item.size !== info.size;
  if (shrunk || resized) return { kind: "changed" };
  if (result.kind === "too_large") return { kind: "too_large", size };
  return size === 0 ? { kind: "empty" } : { kind: "bytes", bytes: result.bytes, etag: info.etag, size };
}

/** An input in a page of a Parquet file: the page is read whole. */
async function readPaged(store: ObjectStore, { page, ...item }: InputItem, limits: ReadLimits): Promise<ItemBytes> {
  if (page === undefined || !isPaged({ ...item, page })) return { kind: "changed" };
  if (page.length === 0) return { kind: "empty" };
  if (page.length > limits.maxBytes) return { kind: "too_large", size: page.length };
  const read = await readItem(store, item, { maxBytes: Math.max(limits.maxBytes, item.range?.length ?? 0) });
  if (read.kind !== "bytes") return read.kind === "empty" ? { kind: "changed" } : read;
  const bytes = cutFromPage(page, inflatePage(page, read.bytes));
  return bytes === null ? { kind: "changed" } : { ...read, bytes, size: page.length };
}
