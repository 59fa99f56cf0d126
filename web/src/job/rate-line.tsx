/** The rate of a job while it runs. */

import type { ReactNode } from "react";

/** One moment of a job. */
export interface RatePoint {
  readonly finished: number;
  readonly rate: number;
}

/** Pictures per second over time. */
export function RateLine({ points }: { readonly points: readonly RatePoint[] }): ReactNode {
  const highest = Math.max(...points.map(({ rate }) => rate), 1e-9);
  const path = points
    .map(({ rate }, index) => `${(100 * index) / (points.length - 1)},${24 - (22 * rate) / highest}`)
    .join(" ");
  return (
    <figure>
      <svg viewBox="0 0 100 24" preserveAspectRatio="none" className="rate" role="img" aria-label="Rate over time">
        <polyline points={path} className="rate-line" />
      </svg>
      <figcaption>Pictures per second, up to {highest.toFixed(1)}</figcaption>
    </figure>
  );
}
