/** The rate of a job while it runs. */

import type { ReactNode } from "react";

/** One moment of a job. */
export interface RatePoint {
  readonly finished: number;
  readonly rate: number;
}

/** Pictures per second over time, as a small area. */
export function RateLine({ points }: { readonly points: readonly RatePoint[] }): ReactNode {
  const highest = Math.max(...points.map(({ rate }) => rate), 1e-9);
  const path = points
    .map(({ rate }, index) => `${(100 * index) / (points.length - 1)},${24 - (22 * rate) / highest}`)
    .join(" ");
  const words = `Over time, up to ${highest.toFixed(1)} pictures per second`;
  return (
    <svg viewBox="0 0 100 24" preserveAspectRatio="none" className="rate" role="img" aria-label={words}>
      <title>{words}</title>
      <polygon points={`0,24 ${path} 100,24`} className="rate-area" />
      <polyline points={path} className="rate-line" />
    </svg>
  );
}
