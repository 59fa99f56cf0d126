/** Counts requests by who asks, as the platform's rate limit does: so many in each period. */

/** False if `who` has asked too often in this period. */
export type CountRequest = (who: string) => Promise<boolean>;

/** A counter that forgets all at the end of each period. */
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
