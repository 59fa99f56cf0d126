/**
 * Tallies per group value, bounded: of each `groupBy` name the first N values in code-unit order keep figures of their own.
 *
 * "The first N" instead of "the first seen" or "the largest so far" is what keeps the fold exact: a value among the first
 * N of the whole is among the first N of every part, so it is never folded away early, whatever the order of merging.
 */

import { mergeTallies, type TallySummary } from "./summary-tally.ts";

/** The values of one `groupBy` name. */
export interface GroupSummary {
  readonly key: string;
  /** Value and tally, sorted by value in code-unit order, no value twice. Pairs, since values are hostile as property names. */
  readonly values: readonly (readonly [string, TallySummary])[];
  /** Records that lack this group. */
  readonly absent: TallySummary | null;
  /** Records of all further values. */
  readonly other: TallySummary | null;
}

/** Sum of two optional tallies. */
export function mergeOptionalTallies(a: TallySummary | null, b: TallySummary | null): TallySummary | null {
  if (a === null) return b;
  return b === null ? a : mergeTallies(a, b);
}

/** Sorts by value, keeps the first `maxValues` and folds the rest into `other`. */
export function boundGroup(
  key: string,
  tallies: ReadonlyMap<string, TallySummary>,
  absent: TallySummary | null,
  other: TallySummary | null,
  maxValues: number,
): GroupSummary {
  const sorted = [...tallies].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    key,
    values: sorted.slice(0, maxValues),
    absent,
    other: sorted
      .slice(maxValues)
      .reduce((sum: TallySummary | null, [, tally]) => mergeOptionalTallies(sum, tally), other),
  };
}

/** Sum of two summaries of the same `groupBy` name. */
export function mergeGroups(a: GroupSummary, b: GroupSummary, maxValues: number): GroupSummary {
  const tallies = new Map(a.values);
  for (const [value, tally] of b.values) {
    const known = tallies.get(value);
    tallies.set(value, known === undefined ? tally : mergeTallies(known, tally));
  }
  return boundGroup(
    a.key,
    tallies,
    mergeOptionalTallies(a.absent, b.absent),
    mergeOptionalTallies(a.other, b.other),
    maxValues,
  );
}
