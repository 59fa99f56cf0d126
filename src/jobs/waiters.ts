/** Callers that wait for the next change of a job, each with its own timeout. */
export interface Waiters {
  /** How many wait. */
  readonly size: number;
  /** Resolves at the next `wake`, or after `maxMs`. */
  wait(maxMs: number): Promise<void>;
  /** Resolves all. */
  wake(): void;
}

/** A set without waiters. */
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
          // Also after a timeout: a paused job may not change for days while it is watched.
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
