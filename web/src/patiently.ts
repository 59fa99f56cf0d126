/** Requests that are asked again for as long as it takes. */

import { retryRequest } from "../../src/client/compute/retry-request.ts";
import { mayPass, type ScoringError } from "../../src/errors.ts";
import { createWaiter } from "./waiter.ts";

/**
 * Repeats a request until it is answered, with growing pauses. Throws errors that are not transient.
 * @param told why it waits; `null` once it is answered
 */
export async function patiently<T>(
  ask: () => Promise<T>,
  signal: AbortSignal,
  told: (trouble: ScoringError | null) => void,
): Promise<T> {
  const { wait } = createWaiter();
  const value = await retryRequest(ask, { wait, signal, pausing: (_, error) => told(error) }, mayPass);
  told(null);
  return value;
}
