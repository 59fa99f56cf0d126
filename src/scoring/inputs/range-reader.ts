/** Random access to one version of an object through a window: small reads cost one request per window, not one each. */

import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";

/** The version of an object that is read. */
export interface ObjectVersion {
  readonly key: string;
  readonly etag: string;
  readonly size: number;
  readonly versionId?: string;
}

/** Reads parts of one object. */
export interface RangeReader {
  /** Bytes from `offset`, as many as asked for or as there are; the array is shared, not to be written to or kept. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/**
 * A reader of `object` that asks the store for at least `windowBytes` at once and keeps the last answer.
 * Throws `object_missing` or `object_changed` when the version is gone. `onRead` is called before each request.
 */
export function createRangeReader(
  store: ObjectStore,
  object: ObjectVersion,
  windowBytes: number,
  onRead: () => void,
): RangeReader {
  let windowStart = 0;
  let window: Uint8Array = new Uint8Array(0);
  return {
    async read(offset, length) {
      const wanted = Math.min(length, object.size - offset);
      if (wanted <= 0) return new Uint8Array(0);
      if (offset < windowStart || offset + wanted > windowStart + window.length) {
        onRead();
        const size = Math.min(Math.max(wanted, windowBytes), object.size - offset);
        window = await readRange(store, object, offset, size);
        windowStart = offset;
      }
      return window.subarray(offset - windowStart, offset - windowStart + wanted);
    },
  };
}

/** Bytes `[offset, offset + length)` of exactly this version; fewer are `store_short_read`. */
export async function readRange(
  store: ObjectStore,
  object: Omit<ObjectVersion, "size"> & { readonly size?: number },
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const result = await store.read(object.key, {
    maxBytes: length,
    ifMatch: object.etag,
    range: { offset, length },
    ...(object.versionId === undefined ? {} : { versionId: object.versionId }),
  });
  if (result.kind === "missing") throw new ScoringError("object_missing", `${object.key} was deleted`);
  if (result.kind === "changed") throw new ScoringError("object_changed", `${object.key} changed`);
  const { size } = result.info;
  const resized = size < offset + length || (object.size !== undefined && size !== object.size);
  // A range longer than requested is impossible.
  if (resized || result.kind === "too_large") {
    throw new ScoringError("object_changed", `${object.key} changed its size`);
  }
  return result.bytes;
}

/** A piece of an object; `last` on its final piece. */
export interface Piece {
  readonly bytes: Uint8Array;
  readonly last: boolean;
}

/** The object's windows from `offset` to its end, or to `end`, or until `hasBudget` says no (then no piece is the last). */
export async function* readPieces(
  store: ObjectStore,
  object: ObjectVersion,
  offset: number,
  windowBytes: number,
  takeRead: () => boolean,
  end = object.size,
): AsyncGenerator<Piece> {
  for (let at = offset; at < end && takeRead();) {
    const bytes = await readRange(store, object, at, Math.min(windowBytes, end - at));
    at += bytes.length;
    yield { bytes, last: at >= end };
  }
}
