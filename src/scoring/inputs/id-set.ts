/** Finds ids that occur twice over many pages, in bounded memory. */

import type { Issue } from "../../errors.ts";
import type { InputItem } from "../records.ts";

/** Ids seen so far, kept as 53-bit hashes. */
export interface IdSet {
  /** Issues for the items whose id was seen before. Once `maxIds` are kept, further ids are not checked. */
  check(items: readonly InputItem[]): readonly Issue[];
  /** False once ids went by unchecked. */
  readonly complete: boolean;
}

/**
 * A set of at most `maxIds` ids, about 40 bytes each. Two different ids collide with a chance of n²/2⁵⁴: 6e-5 for a million.
 * Use it where one process sees all pages; a coordinator with a table has its unique index.
 */
export function createIdSet(maxIds: number): IdSet {
  const hashes = new Set<number>();
  let complete = true;
  return {
    get complete() {
      return complete;
    },
    check(items) {
      const issues: Issue[] = [];
      for (const { id, key } of items) {
        const hash = hashText(id);
        if (hashes.has(hash)) issues.push({ path: key, code: "id_duplicate", message: `The id ${id} occurs twice.` });
        else if (hashes.size < maxIds) hashes.add(hash);
        else complete = false;
      }
      return issues;
    },
  };
}

/** Two 32-bit FNV-1a hashes (RFC 9923) over UTF-16 units, the second over the text backwards, cut to 53 bits. */
function hashText(text: string): number {
  let forward = 0x811c9dc5;
  let backward = 0x811c9dc5;
  for (let at = 0, last = text.length - 1; at <= last; at++) {
    forward = Math.imul(forward ^ text.charCodeAt(at), 0x01000193);
    backward = Math.imul(backward ^ text.charCodeAt(last - at), 0x01000193);
  }
  return (backward >>> 11) * 2 ** 32 + (forward >>> 0);
}
