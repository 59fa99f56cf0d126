/** Takes messages from the queue as places become free, and hands each to its consumer. */

import type { QueueRows, Delivery, Lane } from "./queue-rows.ts";

/** A loop that runs until it is stopped. */
export interface ConsumerLoop {
  /** Tells the loop that something was sent. */
  wake(): void;
  /** Takes no more messages; resolves when those under way have ended, or after `graceMs`, with whether all have. */
  stop(graceMs: number): Promise<boolean>;
}

/** What a loop works with. */
export interface ConsumerLoopOptions {
  readonly queue: QueueRows;
  readonly lane: Lane;
  /** Messages at once. */
  readonly places: number;
  /** A consumer that is silent for this long is taken for dead. */
  readonly holdMs: number;
  readonly clock: () => number;
  /** Handles a delivery and settles it. Must not throw. */
  readonly consume: (delivery: Delivery) => Promise<void>;
}

/** A timer further away than this would overflow, and clocks are set. */
const MAX_WAIT_MS = 60_000;

/** Starts a loop. */
export function startConsumerLoop(options: ConsumerLoopOptions): ConsumerLoop {
  const { queue, lane, places, holdMs, clock, consume } = options;
  const underWay = new Set<Promise<void>>();
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;

  function fill(): void {
    clearTimeout(timer);
    if (isStopped) return;
    while (underWay.size < places) {
      const delivery = queue.take(lane, clock(), holdMs);
      if (delivery === null) break;
      const task: Promise<void> = consume(delivery).finally(() => {
        underWay.delete(task);
        fill();
      });
      underWay.add(task);
    }
    const dueMs = underWay.size >= places ? null : queue.nextDue(lane);
    if (dueMs !== null) timer = setTimeout(fill, Math.min(MAX_WAIT_MS, Math.max(0, dueMs - clock())));
  }

  fill();
  return {
    wake: fill,
    async stop(graceMs) {
      isStopped = true;
      clearTimeout(timer);
      let patience: NodeJS.Timeout | undefined;
      const over = new Promise<void>((resolve) => (patience = setTimeout(resolve, graceMs)));
      await Promise.race([Promise.all(underWay), over]);
      clearTimeout(patience);
      return underWay.size === 0;
    },
  };
}
