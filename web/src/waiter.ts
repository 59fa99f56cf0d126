/** Waiting that can be cut short for everybody at once. */

import type { RetryPorts } from "../../src/client/compute/retry-request.ts";

/** Whoever waits, and a way to wake them. */
export interface Waiter {
  readonly wait: RetryPorts["wait"];
  wake(): void;
}

/** Workers' timers are not throttled with their tab; those of a machine that slept simply fire late. */
export function createWaiter(): Waiter {
  const sleepers = new Set<() => void>();
  return {
    wait(waitMs, signal) {
      if (signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const end = (): void => {
          clearTimeout(timer);
          sleepers.delete(end);
          signal.removeEventListener("abort", end);
          resolve();
        };
        const timer = setTimeout(end, waitMs);
        sleepers.add(end);
        signal.addEventListener("abort", end);
      });
    },
    wake() {
      for (const end of sleepers) end();
    },
  };
}
