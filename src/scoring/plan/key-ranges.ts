/**
 * Cuts the keys under a prefix into ranges without listing them all: pages of keys are looked at where keys branch. Below a prefix that
 * has more keys than a page, the next character is the branch; keys that come in one page are counted. So dates, folders, hashes and
 * numbers are all found without knowing which of them the keys are made of.
 */

import type { ObjectStore } from "../../storage/object-store.ts";

/** How far the search may go. */
export interface KeyRangeLimits {
  /** Ranges, about. */
  readonly ranges: number;
  /** Listings, and keys of each. */
  readonly probes: number;
  readonly probeKeys: number;
  /** Keys of a range that neighbors with few keys are joined to. */
  readonly keysPerRange: number;
}

/** Keys after the end of the segment before this one, up to and with `until` (`null`: all that follow). */
interface Segment {
  readonly until: string | null;
  /** `null`: more than a page. */
  readonly keys: number | null;
  /** What all its keys begin with, if more is to be found; `null`: it cannot be cut. */
  readonly branch: { readonly prefix: string; readonly after: string | null } | null;
}

/** Behind all keys that begin like the text before it: the last code point, which no sensible key holds. */
const LAST = "\u{10ffff}";

/** Branches that are looked at at once: as many connections as an invocation has. */
const CONNECTIONS = 6;

/**
 * Ends of ranges, ascending, each the last key that belongs to it or a text behind that; the last range has none. Keys are never lost:
 * whatever is between two ends belongs to the second.
 * @param after where the first range begins; `null`: at the first key
 * @throws the store's errors
 */
export async function findKeyRanges(
  store: Pick<ObjectStore, "list">,
  prefix: string,
  after: string | null,
  limits: KeyRangeLimits,
): Promise<readonly string[]> {
  let segments: readonly Segment[] = [{ until: null, keys: null, branch: { prefix, after } }];
  let left = limits.probes;
  for (;;) {
    const shortest = Math.min(...segments.map(({ branch }) => branch?.prefix.length ?? Number.POSITIVE_INFINITY));
    const chosen = segments.filter(({ branch }) => branch?.prefix.length === shortest).slice(0, CONNECTIONS);
    if (left <= 0 || segments.length >= limits.ranges || chosen.length === 0) break;
    // A share for each: what is found must not depend on which of them the store answers first.
    const share = Math.max(1, Math.floor(left / chosen.length));
    const cut = new Map(
      await Promise.all(
        chosen.map(async (one) => [one, await cutSegment(store, one, limits.probeKeys, share)] as const),
      ),
    );
    for (const { probes } of cut.values()) left -= probes;
    segments = segments.flatMap((one) => cut.get(one)?.segments ?? [one]);
  }
  return joinSmall(segments, limits.keysPerRange);
}

/** The segments that one is made of: one for each next character with more keys than a page, and what lies between. At most `most` listings. */
async function cutSegment(
  store: Pick<ObjectStore, "list">,
  whole: Segment,
  pageKeys: number,
  most: number,
): Promise<{ readonly segments: readonly Segment[]; readonly probes: number }> {
  if (whole.branch === null) return { segments: [whole], probes: 0 };
  const { prefix } = whole.branch;
  const childOf = (key: string): string => String.fromCodePoint(key.codePointAt(prefix.length) ?? 0);
  const found: Segment[] = [];
  let { after } = whole.branch;
  let last = "";
  let probes = 0;
  const end = (rest: Segment | null) => {
    const all = rest === null ? found : [...found, rest];
    return { segments: all.map((one, at) => (at === all.length - 1 ? { ...one, until: whole.until } : one)), probes };
  };
  for (;;) {
    if (probes >= most) return end({ until: null, keys: null, branch: { prefix, after } });
    probes += 1;
    const page = await store.list({ prefix, limit: pageKeys, ...(after === null ? {} : { startAfter: after }) });
    const keys = page.objects.map(({ key }) => key);
    const first = keys[0];
    if (page.cursor === undefined) {
      return end(keys.length > 0 || found.length === 0 ? { until: null, keys: keys.length, branch: null } : null);
    }
    const child = first === undefined ? null : childOf(first);
    // A short page, or keys behind the end that was taken for their last: what is left stays whole.
    if (first === undefined || child === null || child === last) return end({ until: null, keys: null, branch: null });
    if (first === prefix) {
      found.push({ until: first, keys: 1, branch: null });
      after = first;
      continue;
    }
    const lastChild = childOf(keys.at(-1) ?? first);
    if (child === lastChild) {
      const until = prefix + child + LAST;
      found.push({ until, keys: null, branch: { prefix: prefix + child, after } });
      [after, last] = [until, child];
      continue;
    }
    const count = keys.findIndex((key) => childOf(key) === lastChild);
    const until: string = keys[count - 1]!;
    found.push({ until, keys: count, branch: null });
    after = until;
  }
}

/** The ends of the segments; neighbors whose keys are counted and few are one range. */
function joinSmall(segments: readonly Segment[], most: number): readonly string[] {
  const ends: (string | null)[] = [];
  let held = 0;
  let open: string | null = null;
  for (const { until, keys } of segments) {
    if (open !== null && (keys === null || held + keys > most)) {
      ends.push(open);
      held = 0;
    }
    open = keys === null ? null : until;
    held += keys ?? 0;
    if (keys === null) ends.push(until);
  }
  return [...ends, open].filter((end) => end !== null);
}
