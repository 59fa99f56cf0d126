/**
 * Reads the items of one chunk with few requests: neighbors in one container (tar members, FER2013 rows) come in one ranged
 * read. A chunk of 256 packed faces costs one or two reads instead of 256.
 */

import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import type { InputItem, PagePlace } from "../records/input-item.ts";
import { readRange } from "./range-reader.ts";
import { type ItemBytes, readItem, type ReadLimits } from "./read-item.ts";
import { cutFromPage, inflatePage, isPaged } from "./unpack-page.ts";

/** Bounds of one combined read. */
export interface RunLimits extends ReadLimits {
  /** Bytes of one combined read; they are held until all its items have been read. */
  readonly maxRunBytes: number;
  /** Unwanted bytes between two neighbors that are read as well rather than skipped. */
  readonly maxGapBytes: number;
}

interface Run {
  readonly key: string;
  readonly etag: string;
  readonly versionId: string | undefined;
  readonly start: number;
  end: number;
  itemsLeft: number;
  /** Of a Parquet file: the run is this page. */
  readonly page: PagePlace | undefined;
  /** What was read; of a page, what it inflates to: `null` if that is not what was frozen. */
  bytes: Promise<Uint8Array | null> | null;
}

type RangedItem = InputItem & { readonly etag: string; readonly range: NonNullable<InputItem["range"]> };

/**
 * A reader for exactly these items, each to be read once, in any order. Results and errors are those of {@link readItem}; after a
 * transient failure an item may be read again.
 */
export function createItemReader(
  store: ObjectStore,
  items: readonly InputItem[],
  limits: RunLimits,
): (item: InputItem) => Promise<ItemBytes> {
  const runs = planRuns(items, limits);
  return async (item) => {
    const run = runs.get(item);
    if (run === undefined || !isRanged(item)) return readItem(store, item, limits);
    let bytes: Uint8Array | null;
    try {
      run.bytes ??= readRun(store, run);
      bytes = await run.bytes;
    } catch (error) {
      run.bytes = null;
      // The outcome of the whole run may not hold for each item: read alone, an item gives its own outcome.
      if (error instanceof ScoringError && error.disposition === "item") return readItem(store, item, limits);
      throw error;
    }
    runs.delete(item);
    run.itemsLeft -= 1;
    if (run.itemsLeft === 0) run.bytes = null;
    const place = item.page ?? { ...item.range, offset: item.range.offset - run.start };
    // A copy: a view would keep the whole run in memory.
    const own = cutFromPage(place, bytes);
    return own === null ? { kind: "changed" } : { kind: "bytes", bytes: own, etag: run.etag, size: own.length };
  };
}

/** Joins ranged items of one object version, in their order, as long as they stay close. Lone items get no run. */
function planRuns(items: readonly InputItem[], limits: RunLimits): Map<InputItem, Run> {
  const runs = new Map<InputItem, Run>();
  let run: Run | null = null;
  for (const item of items) {
    if (!isRanged(item) || isUnread(item, limits)) continue;
    const { offset, length } = item.range;
    const isSameObject: boolean =
      run !== null && run.key === item.key && run.etag === item.etag && run.versionId === item.versionId;
    const joins: boolean =
      run !== null && isSameObject && (item.page === undefined ? isNear(run, item.range, limits) : isInPage(run, item));
    if (run === null || !joins) {
      const { key, etag, versionId } = item;
      run = { key, etag, versionId, start: offset, end: offset, itemsLeft: 0, page: item.page, bytes: null };
    }
    run.end = offset + length;
    run.itemsLeft += 1;
    runs.set(item, run);
  }
  for (const [item, { itemsLeft }] of runs) if (itemsLeft < 2) runs.delete(item);
  return runs;
}

/** Whether a range goes on where a run ends, or soon after. */
function isNear(
  { start, end, page }: Run,
  { offset, length }: RangedItem["range"],
  { maxGapBytes, maxRunBytes }: RunLimits,
): boolean {
  return page === undefined && offset >= end && offset - end <= maxGapBytes && offset + length - start <= maxRunBytes;
}

/** Whether an input lies in the page that a run is. */
function isInPage({ start, end, page }: Run, { range, page: own }: RangedItem): boolean {
  const isSame = start === range.offset && end === range.offset + range.length;
  return isSame && page?.codec === own?.codec && page?.bytes === own?.bytes;
}

/** One request for a chunk's inputs: several packed neighbors, or an input alone. */
export type PlannedRead =
  | {
      readonly kind: "run";
      readonly key: string;
      readonly etag: string;
      readonly versionId?: string;
      readonly range: { readonly offset: number; readonly length: number };
    }
  | { readonly kind: "item"; readonly item: InputItem };

/** The requests that reading all of a chunk's items takes, in their order. */
export function listReads(items: readonly InputItem[], limits: RunLimits): readonly PlannedRead[] {
  const runs = planRuns(items, limits);
  const begun = new Set<Run>();
  const reads: PlannedRead[] = [];
  for (const item of items) {
    const run = runs.get(item);
    if (run === undefined && !isUnread(item, limits)) reads.push({ kind: "item", item });
    if (run === undefined || begun.has(run)) continue;
    begun.add(run);
    const { key, etag, versionId, start, end } = run;
    const range = { offset: start, length: end - start };
    reads.push({ kind: "run", key, etag, ...(versionId === undefined ? {} : { versionId }), range });
  }
  return reads;
}

/** Only its range decides what becomes of it. */
function isUnread(item: InputItem, limits: ReadLimits): boolean {
  const range = item.page ?? item.range;
  if (item.page !== undefined && !isPaged(item)) return true;
  return range !== undefined && (range.length === 0 || range.length > limits.maxBytes);
}

function isRanged(item: InputItem): item is RangedItem {
  return item.range !== undefined && item.etag !== null;
}

async function readRun(store: ObjectStore, run: Run): Promise<Uint8Array | null> {
  const { key, etag, versionId, start, end, page } = run;
  const version = { key, etag, ...(versionId === undefined ? {} : { versionId }) };
  const bytes = await readRange(store, version, start, end - start);
  return page === undefined ? bytes : inflatePage(page, bytes);
}
