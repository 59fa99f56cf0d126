/**
 * Retries of calls that may succeed later, and of nothing else. Full jitter (Brooker 2015, "Exponential Backoff And
 * Jitter", AWS Architecture Blog) and a retry budget (a token bucket, as in the AWS SDKs' standard mode), so that a
 * store that is down is not stormed.
 */

import { type ErrorCode, ScoringError } from "../errors.ts";

/** What all calls of one store share: tokens, of which a retry takes one and a success gives back a part, and whether the store hangs. */
export interface RetryBudget {
  /** True if a retry may be made now; takes its token. */
  spend(): boolean;
  /** After a call that worked at once. */
  refill(): void;
  /** True from a call that was given up because it ran out of time until one that works. */
  hangs: boolean;
}

/** How to retry. `random` gives [0, 1); `sleep` waits, or throws to give up (when a lease ends). */
export interface RetryPolicy {
  /** Calls in all, the first one included. */
  readonly maxAttempts: number;
  /** How many of these may run out of time: each costs its caller the whole deadline. Default: all. Where the store is known to hang, one. */
  readonly maxTimeouts?: number;
  /** Upper end of the first pause; it doubles with each attempt. */
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  readonly budget: RetryBudget;
  random(): number;
  sleep(delayMs: number): Promise<void>;
}

/** A bucket of `capacity` retries; each success puts `refillPerSuccess` back. */
export function createRetryBudget(capacity: number, refillPerSuccess: number): RetryBudget {
  let tokens = capacity;
  return {
    hangs: false,
    spend() {
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
    refill() {
      tokens = Math.min(capacity, tokens + refillPerSuccess);
    },
  };
}

/** True for our own errors whose disposition is `transient`; anything else would only fail again. */
export function isTransient(error: unknown): error is ScoringError {
  return error instanceof ScoringError && error.disposition === "transient";
}

/**
 * Runs `operation` until it works, fails for good, or the policy's attempts or budget are spent (then the last error).
 * `operation` gets the attempt, from 0: an attempt above 0 follows a failure whose effect is unknown.
 */
export async function retryTransient<T>(policy: RetryPolicy, operation: (attempt: number) => Promise<T>): Promise<T> {
  let timeouts = 0;
  for (let attempt = 0; ; attempt++) {
    try {
      const result = await operation(attempt);
      if (attempt === 0) policy.budget.refill();
      policy.budget.hangs = false;
      return result;
    } catch (error) {
      if (!isTransient(error) || attempt + 1 >= policy.maxAttempts) throw error;
      if (error.code === "store_timeout") {
        timeouts += 1;
        const isHung = timeouts >= (policy.budget.hangs ? 1 : (policy.maxTimeouts ?? policy.maxAttempts));
        policy.budget.hangs ||= isHung;
        if (isHung) throw error;
      }
      if (!policy.budget.spend()) throw error;
      await policy.sleep(computeDelay(policy, attempt, error.code));
    }
  }
}

/** Full jitter: uniform in [0, min(maxDelay, base × 2^attempt)); a throttled call backs off from a four times larger base. */
function computeDelay(policy: RetryPolicy, attempt: number, code: ErrorCode): number {
  const base = code === "store_throttled" ? policy.baseDelayMs * 4 : policy.baseDelayMs;
  return Math.floor(policy.random() * Math.min(policy.maxDelayMs, base * 2 ** attempt));
}
