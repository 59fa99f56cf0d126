/** How much waits in the queue, as the queue itself says. */

/** What waits. */
export interface QueueDepth {
  /** Messages that nobody has settled; delayed ones among them. */
  readonly backlog: number;
  /** When the oldest of them was sent, ms since the epoch; `null` if none waits or the queue does not say. */
  readonly oldestMs: number | null;
}

/** The same for readers: the age instead of the time. */
export interface QueueView {
  readonly backlog: number;
  /** Seconds since the oldest message was sent; 0 if none waits. */
  readonly oldestSeconds: number;
}

/** A depth as it is at `nowMs`. */
export function viewQueue({ backlog, oldestMs }: QueueDepth, nowMs: number): QueueView {
  const ageMs = backlog === 0 || oldestMs === null ? 0 : Math.max(0, nowMs - oldestMs);
  return { backlog, oldestSeconds: Math.round(ageMs / 1000) };
}
