/**
 * How differently a model treats groups: recall and false-label rates per group, and the largest gaps between two groups with
 * intervals that hold together (Bonferroni). A gap's interval is that of a difference of two rates from their own intervals
 * (MOVER: Newcombe 1998, Statistics in Medicine 17:873–890; Zou and Donner 2008, 27:1693–1702).
 */

import type { Label } from "../../model/labels.ts";
import { computeWilson, type ShareInterval } from "./intervals.ts";

/** `recall`: the share of the faces with the label that get it. `false label`: the share of the faces without the label that get it. */
export type RateKind = "recall" | "false label";

/** One rate of one group, with intervals of any level. */
export interface GroupRate {
  readonly group: string;
  readonly label: Label;
  readonly kind: RateKind;
  /** `null` where the group has no such faces. */
  interval(level: number): ShareInterval | null;
}

/** A rate as it is reported. */
export interface RateFigures {
  readonly group: string;
  readonly label: Label;
  readonly kind: RateKind;
  /** 95 %, for this rate alone. */
  readonly rate: ShareInterval;
}

/** The gap between the group with the highest and the one with the lowest rate of a kind. */
export interface RateGap {
  readonly label: Label;
  readonly kind: RateKind;
  readonly highest: string;
  readonly lowest: string;
  /** Difference of the two rates, −1…1; its interval is 95 % for all gaps of the audit together. */
  readonly gap: ShareInterval;
  /** True where the interval excludes 0: the gap is not chance. */
  readonly settled: boolean;
}

/** The audit of one `groupBy` name. */
export interface FairnessAudit {
  readonly key: string;
  readonly groups: readonly string[];
  readonly rates: readonly RateFigures[];
  /** Settled gaps first, then the widest first. */
  readonly gaps: readonly RateGap[];
  /** Pairs of groups that were compared: what the intervals make up for. */
  readonly comparisons: number;
  /** What a reader must know besides the figures. */
  readonly meaning: string;
}

/** What a gap is and is not; it is shown beside every audit. */
export const FAIRNESS_MEANING =
  "A gap says that the model makes more errors of one kind in one group than in another, on these pictures. It does not say why: light, camera, age, pose and how people were asked to label differ between groups as well. No gap found is no proof of fairness: small groups hide gaps as large as their intervals are wide.";

const LEVEL = 0.95;

/** The interval of a − b from the intervals of both. */
export function subtractRates(a: ShareInterval, b: ShareInterval): ShareInterval {
  const value = a.value - b.value;
  return {
    value,
    low: Math.max(-1, value - Math.hypot(a.value - a.low, b.high - b.value)),
    high: Math.min(1, value + Math.hypot(a.high - a.value, b.value - b.low)),
  };
}

/**
 * Compares every two groups in every rate, and returns the widest gap of each rate. The level of each comparison is such that all
 * of them hold together with 95 % (Bonferroni), so that the widest of many is not overrated.
 * @returns `null` for fewer than two groups with a rate
 */
export function auditGroups(key: string, rates: readonly GroupRate[]): FairnessAudit | null {
  const known = rates.filter((rate) => rate.interval(LEVEL) !== null);
  const families = new Map<string, GroupRate[]>();
  for (const rate of known) {
    const name = `${rate.kind}/${rate.label}`;
    families.set(name, [...(families.get(name) ?? []), rate]);
  }
  const compared = [...families.values()].filter((family) => family.length > 1);
  const comparisons = compared.reduce((sum, { length }) => sum + (length * (length - 1)) / 2, 0);
  if (comparisons === 0) return null;
  const level = 1 - (1 - LEVEL) / comparisons;
  return {
    key,
    groups: [...new Set(known.map(({ group }) => group))],
    rates: known.map((rate) => {
      const { group, label, kind } = rate;
      return { group, label, kind, rate: rate.interval(LEVEL)! };
    }),
    gaps: compared.map((family) => findGap(family, level)).sort(compareGaps),
    comparisons,
    meaning: FAIRNESS_MEANING,
  };
}

/** Of all pairs the one whose gap is the most certain: a wide gap of two tiny groups says less. */
function findGap(family: readonly GroupRate[], level: number): RateGap {
  const intervals = family.map((rate) => ({ rate, interval: rate.interval(level)! }));
  const gaps = intervals.flatMap((a) =>
    intervals.flatMap((b): RateGap[] => {
      if (a === b || a.interval.value < b.interval.value) return [];
      const gap = subtractRates(a.interval, b.interval);
      const { label, kind } = a.rate;
      return [{ label, kind, highest: a.rate.group, lowest: b.rate.group, gap, settled: gap.low > 0 }];
    }),
  );
  return gaps.sort(compareGaps)[0]!;
}

const compareGaps = (a: RateGap, b: RateGap): number =>
  Number(b.settled) - Number(a.settled) || (a.settled ? b.gap.low - a.gap.low : b.gap.value - a.gap.value);

const sumOf = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/**
 * The rates of one group from its counts.
 * @param confusion row true label, column predicted label
 */
export function countRates(
  group: string,
  confusion: readonly (readonly number[])[],
  labels: readonly Label[],
): GroupRate[] {
  const all = sumOf(confusion.map(sumOf));
  return labels.flatMap((label, index): GroupRate[] => {
    const has = sumOf(confusion[index] ?? []);
    const hits = confusion[index]?.[index] ?? 0;
    const called = sumOf(confusion.map((row) => row[index] ?? 0));
    return [
      { group, label, kind: "recall", interval: (level) => computeWilson(hits, has, level) },
      { group, label, kind: "false label", interval: (level) => computeWilson(called - hits, all - has, level) },
    ];
  });
}

const percent = (value: number): string => (100 * value).toFixed(0);

/** One sentence per settled gap, the surest first; or one that none was found. */
export function describeGaps({ key, gaps, groups, comparisons }: FairnessAudit, most = 5): string[] {
  const settled = gaps.filter((gap) => gap.settled);
  if (settled.length === 0) {
    return [
      `No gap between the ${groups.length} groups of ${key} is beyond chance (${comparisons} comparisons, 95 % for all together).`,
    ];
  }
  return settled.slice(0, most).map(({ label, kind, highest, lowest, gap }) => {
    const points = `${percent(gap.value)} points (${percent(gap.low)} to ${percent(gap.high)})`;
    return kind === "recall"
      ? `${label} is recognized more often in ${highest} than in ${lowest}: ${points} apart.`
      : `Faces that are not ${label} are called so more often in ${highest} than in ${lowest}: ${points} apart.`;
  });
}
