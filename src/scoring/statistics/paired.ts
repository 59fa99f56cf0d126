/** Two raters of the same units: whether they differ, and by how much. */

import { computeChiSquareTail } from "./distributions.ts";
import { computeWilson, type ShareInterval } from "./intervals.ts";

/** Units by what two raters say of them: both, the first alone, the second alone, neither. */
export interface PairedCounts {
  readonly both: number;
  readonly first: number;
  readonly second: number;
  readonly neither: number;
}

/**
 * Share of the second minus share of the first, −1…1, with its 95 % interval: Newcombe's method 10 (Newcombe 1998, "Improved
 * confidence intervals for the difference between binomial proportions based on paired data", Statistics in Medicine
 * 17:2635–2650), which joins Wilson's intervals of the two shares by their correlation.
 * @returns `null` where there is no unit
 */
export function computePairedDifference({ both, first, second, neither }: PairedCounts): ShareInterval | null {
  const units = both + first + second + neither;
  const [one, two] = [computeWilson(both + first, units), computeWilson(both + second, units)];
  if (one === null || two === null) return null;
  const product = (both + first) * (second + neither) * (both + second) * (first + neither);
  const lead = both * neither - first * second;
  // Method 10 takes half a unit off a positive correlation, as a continuity correction does.
  const corrected = lead > 0 ? Math.max(0, lead - units / 2) : lead;
  const phi = product === 0 ? 0 : corrected / Math.sqrt(product);
  const join = (a: number, b: number): number => Math.sqrt(Math.max(0, a * a - 2 * phi * a * b + b * b));
  const value = two.value - one.value;
  return {
    value,
    low: Math.max(-1, value - join(two.value - two.low, one.high - one.value)),
    high: Math.min(1, value + join(two.high - two.value, one.value - one.low)),
  };
}

/** Above this many discordant units the normal approximation is as good; below it every probability is a double. */
const MOST_EXACT = 1000;

/**
 * McNemar's test of discordant units, two-sided, mid-p (Fagerland, Lydersen and Laake 2013, "The McNemar test for binary
 * matched-pairs data", BMC Medical Research Methodology 13:91); above 1,000 discordant units the asymptotic one without a
 * correction.
 * @returns p, 0…1; 1 where no unit is discordant
 */
export function testMcNemar(first: number, second: number): number {
  const units = first + second;
  if (units === 0) return 1;
  if (units > MOST_EXACT) return computeChiSquareTail((first - second) ** 2 / units, 1);
  const smaller = Math.min(first, second);
  let term = 0.5 ** units;
  let below = 0;
  for (let count = 0; count < smaller; count += 1) {
    below += term;
    term *= (units - count) / (count + 1);
  }
  return Math.min(1, 2 * below + term);
}
