/** Tries again what may pass. */

import { ScoringError, toScoringError } from "../../errors.ts";
import type { ReadAddress } from "./compute-api.ts";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/** How a client waits, and whom it tells. */
export interface PersistPorts {
  /** Resolves after `waitMs`, or sooner: when the network is back, or `signal` fires. Never rejects. */
  wait(waitMs: number, signal: AbortSignal): Promise<void>;
  /** Told before each pause. */
  readonly pausing: (waitMs: number, error: ScoringError) => void;
  readonly signal: AbortSignal;
}

/** Asks until it is answered, with growing pauses, for as long as it takes. @throws what `mayPass` says will not pass */
export async function persist<T>(
  ask: () => Promise<T>,
  ports: PersistPorts,
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

/** Reads again while the server is out of reach; what it answers is taken as it is. */
export function persistReads(read: ReadAddress, ports: PersistPorts): ReadAddress {
  return (url) =>
    persist(
      () => read(url),
      ports,
      ({ code }) => code === "api_unavailable",
    );
}
