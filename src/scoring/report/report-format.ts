/** Numbers and words of the report page. */

import type { ShareInterval } from "../statistics/intervals.ts";

/** 1234567 → "1,234,567". */
export function formatCount(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ",");
}

/** 0.1234 → "12.3 %" (with a no-break space); `null` → an en dash. */
export function formatPercent(share: number | null, digits = 1): string {
  return share === null ? "–" : `${(100 * share).toFixed(digits)}\u00a0%`;
}

/** "10.1–14.9 %"; with a bound below 0, "−3.1 to 14.9 %"; where both bounds are 0 to one digit, "below 0.1 %". */
export function formatInterval(share: { low: number; high: number } | null): string {
  if (share === null) return "–";
  const [low, high] = [share.low, share.high].map((bound) => (100 * bound).toFixed(1).replace("-", "−"));
  if (low === "0.0" && high === "0.0") return "below 0.1\u00a0%";
  return share.low < 0 ? `${low} to ${high}\u00a0%` : `${low}–${high}\u00a0%`;
}

/** Fixed digits after the point; `null` → an en dash. */
export function formatNumber(value: number | null, digits = 2): string {
  return value === null ? "–" : value.toFixed(digits);
}

/** A difference of shares as percentage points with its sign: 0.012 → "+1.2", −0.0001 → "0.0". */
export function formatPoints(difference: number): string {
  const points = (100 * Math.abs(difference)).toFixed(1);
  return points === "0.0" ? points : `${difference > 0 ? "+" : "−"}${points}`;
}

/** A probability of a test: never "0". */
export function formatP(p: number): string {
  return p < 0.0001 ? "< 0.0001" : p.toFixed(4);
}

/** "2026-11-23T21:00:00.000Z" → "2026-11-23 21:00 UTC"; anything else as it is. */
export function formatTime(iso: string): string {
  const match = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(:\d{2}(\.\d+)?)?Z$/.exec(iso);
  return match === null ? iso : `${match[1]} ${match[2]} UTC`;
}

/** Two intervals that do not touch differ for sure; the one question a reader asks of two bars. */
export function isApart(a: ShareInterval, b: ShareInterval): boolean {
  return a.low > b.high || b.low > a.high;
}
