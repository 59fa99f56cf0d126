/** Whether two distributions of counts differ, and by how much. A test alone says nothing at a million faces: effect sizes lead. */

import { computeChiSquareTail } from "./distributions.ts";

/** Cohen 1988, "Statistical Power Analysis", ch. 7: 0.1 small, 0.3 medium, 0.5 large. */
export type EffectSize = "negligible" | "small" | "medium" | "large";

/** Chi-square test of homogeneity of two rows of counts, with its effect sizes. */
export interface ShiftTest {
  readonly chiSquare: number;
  readonly degrees: number;
  /** Probability of a difference at least this large if nothing changed. */
  readonly p: number;
  /** Cramér's V, 0…1. */
  readonly cramersV: number;
  /** Cohen's w of `after` against the shares of `before`; `null` where `before` has an empty class that `after` has not. */
  readonly cohensW: number | null;
  readonly effect: EffectSize;
  /** False where an expected count is below 5 (Cochran 1954): then `p` is rough. */
  readonly reliable: boolean;
  /** Share after minus share before, per class. */
  readonly differences: readonly number[];
}

const sumOf = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Names an effect (Cramér's V with one degree on the shorter side equals Cohen's w, so the same marks serve). */
export function describeEffect(size: number): EffectSize {
  if (size < 0.1) return "negligible";
  if (size < 0.3) return "small";
  return size < 0.5 ? "medium" : "large";
}

/** Compares two rows of counts of the same classes; `null` where one of them is empty. */
export function testShift(before: readonly number[], after: readonly number[]): ShiftTest | null {
  const totals = [sumOf(before), sumOf(after)] as const;
  const all = totals[0] + totals[1];
  if (totals[0] === 0 || totals[1] === 0) return null;
  let chiSquare = 0;
  let classes = 0;
  let reliable = true;
  for (const [index, count] of before.entries()) {
    const column = [count, after[index] ?? 0] as const;
    const columnTotal = column[0] + column[1];
    if (columnTotal === 0) continue;
    classes += 1;
    for (const row of [0, 1] as const) {
      const expected = (totals[row] * columnTotal) / all;
      chiSquare += (column[row] - expected) ** 2 / expected;
      if (expected < 5) reliable = false;
    }
  }
  const degrees = classes - 1;
  const cramersV = Math.sqrt(chiSquare / all);
  return {
    chiSquare,
    degrees,
    p: degrees === 0 ? 1 : computeChiSquareTail(chiSquare, degrees),
    cramersV,
    cohensW: computeCohensW(before, after, totals),
    effect: describeEffect(cramersV),
    reliable,
    differences: before.map((count, index) => (after[index] ?? 0) / totals[1] - count / totals[0]),
  };
}

function computeCohensW(
  before: readonly number[],
  after: readonly number[],
  totals: readonly [number, number],
): number | null {
  let sum = 0;
  for (const [index, count] of before.entries()) {
    const expected = count / totals[0];
    const observed = (after[index] ?? 0) / totals[1];
    if (expected > 0) sum += (observed - expected) ** 2 / expected;
    else if (observed > 0) return null;
  }
  return Math.sqrt(sum);
}

/** Drift of a measured quantity between two histograms of the same bins. */
export interface HistogramShift {
  /** Population stability index: Σ (a−b)·ln(a/b) over the bins' shares. */
  readonly psi: number;
  /** By the convention of credit scoring (Siddiqi 2006): below 0.1 stable, from 0.25 on shifted. */
  readonly verdict: "stable" | "moderate" | "shifted";
  /** Kolmogorov–Smirnov distance of the two cumulated histograms, 0…1. */
  readonly ks: number;
  /** Its asymptotic probability; on binned values an upper bound. */
  readonly p: number;
}

/** Compares two histograms; `null` where one of them is empty. Half a count is added to each bin, so that an empty bin gives no infinity. */
export function compareHistograms(before: readonly number[], after: readonly number[]): HistogramShift | null {
  const totals = [sumOf(before), sumOf(after)] as const;
  if (totals[0] === 0 || totals[1] === 0) return null;
  // A bin that neither run fills says nothing and gets no half counts.
  const bins = before.flatMap((count, bin) => {
    const other = after[bin] ?? 0;
    return count + other > 0 ? [[count, other] as const] : [];
  });
  let psi = 0;
  let ks = 0;
  let cumulated = 0;
  for (const [a, b] of bins) {
    const shareBefore = (a + 0.5) / (totals[0] + bins.length / 2);
    const shareAfter = (b + 0.5) / (totals[1] + bins.length / 2);
    psi += (shareAfter - shareBefore) * Math.log(shareAfter / shareBefore);
    cumulated += b / totals[1] - a / totals[0];
    ks = Math.max(ks, Math.abs(cumulated));
  }
  return {
    psi,
    verdict: psi < 0.1 ? "stable" : psi < 0.25 ? "moderate" : "shifted",
    ks,
    p: computeKolmogorov(ks, (totals[0] * totals[1]) / (totals[0] + totals[1])),
  };
}

/** Survival function of Kolmogorov's distribution with Stephens' correction for finite samples (Stephens 1970). */
export function computeKolmogorov(distance: number, effectiveCount: number): number {
  const root = Math.sqrt(effectiveCount);
  const lambda = (root + 0.12 + 0.11 / root) * distance;
  // The alternating series converges slowly only where its sum is 1 to 10 digits.
  if (lambda < 0.2) return 1;
  let sum = 0;
  for (let term = 1; term <= 100; term += 1) sum += 2 * (-1) ** (term - 1) * Math.exp(-2 * (term * lambda) ** 2);
  return Math.min(1, Math.max(0, sum));
}
