/**
 * Reads a lease's inputs ahead of scoring: while one chunk is computed, the bytes of the next are on their way.
 */

import type { ReadAddress } from "./compute-api.ts";

/** One address and about how many bytes lie behind it. */
export interface ExpectedRead {
  readonly url: string;
  readonly bytes: number;
}

/** How much is read ahead. */
export interface PrefetchLimits {
  /** Reads under way at once. */
  readonly maxConnections: number;
  /** Bytes that were read, or are being read, and have not been asked for; a single larger read goes alone. */
  readonly maxBytes: number;
}

/**
 * A reader that starts at once, in the order of `reads`, and continues as what it holds is taken. Each address is read ahead once;
 * if it is asked for again, or before its turn, it is read then. Errors are thrown where the address is asked for.
 */
export function prefetchReads(reads: readonly ExpectedRead[], read: ReadAddress, limits: PrefetchLimits): ReadAddress {
  const held = new Map<string, { readonly bytes: number; readonly answer: ReturnType<ReadAddress> }>();
  const asked = new Set<string>();
  let next = 0;
  let underWay = 0;
  let heldBytes = 0;

  function fill(): void {
    for (; next < reads.length && underWay < limits.maxConnections; next++) {
      const { url, bytes } = reads[next]!;
      if (asked.has(url) || held.has(url)) continue;
      if (heldBytes > 0 && heldBytes + bytes > limits.maxBytes) return;
      underWay += 1;
      heldBytes += bytes;
      const answer = read(url);
      held.set(url, { bytes, answer });
      const settle = (): void => {
        underWay -= 1;
        fill();
      };
      // The failure itself is for whoever asks.
      answer.then(settle, settle);
    }
  }

  fill();
  return (url) => {
    asked.add(url);
    const ready = held.get(url);
    if (ready === undefined) return read(url);
    held.delete(url);
    heldBytes -= ready.bytes;
    fill();
    return ready.answer;
  };
}
