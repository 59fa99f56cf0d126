/** Intervals of proportions. */

import { findNormalQuantile } from "./distributions.ts";

/** A share with its interval, all 0…1. */
export interface ShareInterval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Wilson's score interval without continuity correction (Wilson 1927, JASA 22:209–212; Newcombe 1998, Statistics in
 * Medicine 17:857–872, method 3): right where the plain interval is not, at few faces and at shares near 0 and 1.
 * @param level 0.95 for a 95 % interval
 * @returns `null` for a total of 0, where there is no share
 */
export function computeWilson(count: number, total: number, level = 0.95): ShareInterval | null {
  if (total <= 0) return null;
  const value = count / total;
  const z = findNormalQuantile((1 + level) / 2);
  const z2 = z * z;
  const center = value + z2 / (2 * total);
  const spread = z * Math.sqrt((value * (1 - value)) / total + z2 / (4 * total * total));
  const scale = 1 + z2 / total;
  return {
    value,
    // Rounding leaves 1e-17 where the bound is exactly 0 or 1.
    low: count === 0 ? 0 : Math.max(0, (center - spread) / scale),
    high: count === total ? 1 : Math.min(1, (center + spread) / scale),
  };
}
