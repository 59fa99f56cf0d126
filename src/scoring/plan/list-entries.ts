/** The entries under a prefix, in key order, resumable after any key. */

import { compareKeys, MAX_PAGE_KEYS } from "../../storage/key-rules.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import type { InputEntry } from "./input-page.ts";
import { CONTAINER_ENDINGS, type InputFormat } from "../manifest/input-formats.ts";
import type { PageBuilder } from "./page-builder.ts";
import { makeId } from "./parse-entry.ts";
import type { SourcePosition } from "./plan-cursor.ts";

/** Entries read from a source, and where it continues (`null` at its end). */
export interface EntryBatch {
  readonly entries: readonly InputEntry[];
  readonly position: SourcePosition | null;
  /** Of a list, the number of the line behind those that were read, within what is read of it. */
  readonly endLine?: number;
}

type PrefixPosition = Extract<SourcePosition, { kind: "prefix" }>;

/**
 * Up to `count` entries under `prefix` from `position` on, with the etags of the listing. The position is a key, not the
 * store's own token: tokens expire, keys do not.
 *
 * Left out: folder markers (keys that end in `/`) and, in container formats, objects whose name is not a container's,
 * since a prefix of shards usually holds an index beside them.
 */
export async function listEntries(
  store: ObjectStore,
  prefix: string,
  position: PrefixPosition,
  format: InputFormat,
  count: number,
  page: PageBuilder,
): Promise<EntryBatch> {
  const entries: InputEntry[] = [];
  const { after, until } = position;
  let last = after;
  let token: string | undefined;
  while (entries.length < count && page.readsLeft > 0) {
    page.readsLeft -= 1;
    const limit = format === "image" ? Math.min(MAX_PAGE_KEYS, count - entries.length) : MAX_PAGE_KEYS;
    const listed = await store.list({
      prefix,
      limit,
      ...(token === undefined ? (last === null ? {} : { startAfter: last }) : { cursor: token }),
    });
    for (const { key, size, etag } of listed.objects) {
      if (entries.length >= count) break;
      if (until !== undefined && compareKeys(key, until) > 0) return { entries, position: null };
      last = key;
      if (isInput(key, format)) entries.push({ key, id: makeId(key), size, etag });
    }
    // Only the last object of a full page may be the last of all: the token tells.
    token = listed.cursor;
    const consumed = last === (listed.objects.at(-1)?.key ?? last);
    if (token === undefined && consumed) return { entries, position: null };
  }
  return { entries, position: { ...position, after: last } };
}

/** Whether an object that nobody named may be an input: no folder marker, and a container where those are read. */
export function isInput(key: string, format: InputFormat): boolean {
  if (key.endsWith("/")) return false;
  return format === "image" || key.toLowerCase().endsWith(CONTAINER_ENDINGS[format]);
}
