/** Those who wait for the next change of a job, each until a time of its own. */
export interface Waiters {
  /** How many wait. */
  readonly size: number;
  /** Resolves at the next `wake`, or after `maxMs`. */
  wait(maxMs: number): Promise<void>;
  /** Lets all go on. */
  wake(): void;
}

/** Nobody waits yet. */
export function createWaiters(): Waiters {
  const waiting = new Set<() => void>();
  return {
    get size() {
      return waiting.size;
    },
    wait: (maxMs) =>
      new Promise((resolve) => {
        const end = (): void => {
          clearTimeout(timer);
          // Also after a timeout: a paused job that is looked at has no next change for days.
          waiting.delete(end);
          resolve();
        };
        const timer = setTimeout(end, maxMs);
        waiting.add(end);
      }),
    wake() {
      for (const end of waiting) end();
    },
  };
}
