/** Counts requests by who asks, like the platform's rate limit: a number per period. */

/** False if `who` has asked too often in this period. */
export type CountRequest = (who: string) => Promise<boolean>;

/** A counter that forgets everything at the end of each period. */
export function createRateCounter(limit: number, periodMs: number, clock: () => number): CountRequest {
  const counts = new Map<string, number>();
  let endMs = 0;
  return async (who) => {
    if (clock() >= endMs) {
      counts.clear();
      endMs = clock() + periodMs;
    }
    const count = (counts.get(who) ?? 0) + 1;
    counts.set(who, count);
    return count <= limit;
  };
}
