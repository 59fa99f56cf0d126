/** Cuts what is left of an input into ranges that can be planned side by side, each a cursor that ends where the next one begins. */

import type { ObjectStore } from "../../storage/object-store.ts";
import type { Limits } from "../limits.ts";
import type { InputSpec } from "../manifest/input-spec.ts";
import { findKeyRanges } from "./key-ranges.ts";
import { countInventoryFiles } from "./inventory-entries.ts";
import { isInput } from "./list-entries.ts";
import { listRowGroups } from "./parquet-entries.ts";
import {
  formatPlanCursor,
  type ManifestPosition,
  parsePlanCursor,
  type PlanPosition,
  type SourcePosition,
} from "./plan-cursor.ts";

type ScanLimits = Omit<Limits["scan"], "stepsPerRange" | "chunksPerRange" | "rangesPerStep" | "chunksPerStep">;

/**
 * Cursors of the ranges, in order: planned one after the other they give what the cursor itself gives. Their indices begin at 0 each.
 * Fewer than two where the rest cannot be cut: a gzip list, a store that cannot list from anywhere, a single container.
 *
 * A prefix of pictures is cut where keys branch, one of containers after equally many of them, a list after equally many bytes, a Parquet
 * list between row groups, an inventory file by file.
 * @throws as `planInputPage`
 */
export async function splitInput(
  { store, listStore }: { readonly store: ObjectStore; readonly listStore: ObjectStore },
  input: InputSpec,
  cursor: string,
  limits: Pick<Limits, "plan"> & { readonly scan: ScanLimits },
): Promise<readonly string[]> {
  const position = parsePlanCursor(cursor);
  const { source } = position;
  if (source === null || limits.scan.ranges < 2) return [];
  if (input.kind === "prefix" && source.kind === "prefix") {
    if (store.capabilities.seeks !== true) return [];
    const ends =
      input.format === "image"
        ? await findKeyRanges(store, input.prefix, source.after, limits.scan)
        : await findContainerEnds(store, input, source.after, limits.scan);
    return chain(position, ends, (end) => ({ kind: "prefix", after: end }));
  }
  if (input.kind === "objects" && source.kind === "objects" && input.format !== "image") {
    const ends = countEnds(source.at, input.objects.length, 1, limits.scan.ranges);
    return chain(position, ends, (at) => ({ kind: "objects", at }));
  }
  if (input.kind === "manifest" && source.kind === "inventory") {
    const files = await countInventoryFiles(listStore, input, source);
    const ends = countEnds(source.file + 1, files, 1, limits.scan.ranges);
    return chain(
      position,
      [source.file + 1, ...ends].filter((end) => end < files),
      (file) => {
        return { kind: "inventory", etag: source.etag, file, at: null };
      },
    );
  }
  if (input.kind === "manifest" && source.kind === "parquet") {
    const starts = (await listRowGroups(listStore, input, source, limits.plan)).slice(0, -1);
    return chain(position, thinOut(starts, limits.scan.ranges - 1), (row) => ({ ...source, row }));
  }
  if (input.kind === "manifest" && source.kind === "manifest" && isDivisible(input, source)) {
    const bytes = input.format === "image" ? limits.scan.listBytes : limits.scan.containerListBytes;
    const ends = countEnds(source.offset, source.size, bytes, limits.scan.ranges);
    // Whatever line the range begins in belongs to the one before.
    return chain(position, ends, (offset) => ({ ...source, offset: offset - 1, line: 1, skipping: true }));
  }
  return [];
}

/** A gzip has no middle, and a list that has not named its bucket yet must be read in order. */
function isDivisible(input: Extract<InputSpec, { kind: "manifest" }>, source: ManifestPosition): boolean {
  const namesBucket = source.syntax === "csv" && (source.columns ?? ["bucket"]).some((name) => /^bucket$/i.test(name));
  const isSettled = !namesBucket || input.bucket !== undefined || typeof source.bucket === "string";
  return source.syntax !== null && !source.gzip && source.offset > 0 && isSettled;
}

/** Places that cut what lies between two into equal parts of at least `least`, without these two. */
function countEnds(from: number, to: number, least: number, most: number): readonly number[] {
  const count = Math.min(most, Math.floor((to - from) / least));
  return Array.from({ length: Math.max(0, count - 1) }, (_, at) => from + Math.floor(((at + 1) * (to - from)) / count));
}

/** At most `most` of them, about equally far apart. */
function thinOut(places: readonly number[], most: number): readonly number[] {
  const step = Math.max(1, Math.ceil(places.length / most));
  return places.filter((_, at) => (at + 1) % step === 0);
}

/** One range up to each end, and one behind the last. */
function chain<T extends string | number>(
  position: PlanPosition,
  ends: readonly T[],
  begin: (end: T) => SourcePosition,
): readonly string[] {
  if (position.source === null) return [];
  const starts = [position.source, ...ends.map(begin)];
  return starts.flatMap((start, at) => {
    const source = { ...start, ...(at < ends.length ? { until: ends[at] } : {}) };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an end is of the kind that its source has
    const whole = { nextIndex: 0, source: source as SourcePosition, container: at === 0 ? position.container : null };
    return formatPlanCursor(whole) ?? [];
  });
}

/** Keys of every n-th container: a listing of shards is short beside what is in them. */
async function findContainerEnds(
  store: ObjectStore,
  input: Extract<InputSpec, { kind: "prefix" }>,
  after: string | null,
  limits: Pick<ScanLimits, "ranges" | "probes" | "probeKeys">,
): Promise<readonly string[]> {
  const keys: string[] = [];
  let last = after;
  for (let probe = 0; probe < limits.probes; probe++) {
    const page = await store.list({
      prefix: input.prefix,
      limit: limits.probeKeys,
      ...(last === null ? {} : { startAfter: last }),
    });
    keys.push(...page.objects.map(({ key }) => key).filter((key) => isInput(key, input.format)));
    last = page.objects.at(-1)?.key ?? last;
    if (page.cursor === undefined) break;
  }
  return countEnds(0, keys.length, 1, limits.ranges).map((count) => keys[count - 1]!);
}
