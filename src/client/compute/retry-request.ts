/** Retries transient failures. */

import { ScoringError, toScoringError } from "../../errors.ts";
import type { ReadAddress } from "./compute-api.ts";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/** How a client waits between attempts, and what it reports to. */
export interface RetryPorts {
  /** Resolves after `waitMs`, or earlier if the network is back or `signal` fires. Never rejects. */
  wait(waitMs: number, signal: AbortSignal): Promise<void>;
  /** Told before each pause. */
  readonly pausing: (waitMs: number, error: ScoringError) => void;
  readonly signal: AbortSignal;
}

/** Repeats a request with growing pauses until it is answered, however long that takes. @throws errors that `mayPass` rejects */
export async function retryRequest<T>(
  ask: () => Promise<T>,
  ports: RetryPorts,
  mayPass: (error: ScoringError) => boolean,
): Promise<T> {
  const { signal } = ports;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    signal.throwIfAborted();
    try {
      return await ask();
    } catch (thrown) {
      const error = toScoringError(thrown);
      signal.throwIfAborted();
      if (!mayPass(error)) throw error;
      ports.pausing(pauseMs, error);
      await ports.wait(pauseMs, signal);
    }
  }
}

/** Repeats a read while the server is out of reach; any answer is taken as it is. */
export function retryReads(read: ReadAddress, ports: RetryPorts): ReadAddress {
  return (url) =>
    retryRequest(
      () => read(url),
      ports,
      ({ code }) => code === "api_unavailable",
    );
}
