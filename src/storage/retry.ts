/**
 * Retries of calls that may succeed later, and of nothing else. Full jitter (Brooker 2015, "Exponential Backoff And
 * Jitter", AWS Architecture Blog) and a retry budget (a token bucket, as in the AWS SDKs' standard mode), so that a
 * store that is down is not stormed.
 */

import { type ErrorCode, ScoringError } from "../errors.ts";
import { cancelBody, readBody, readFound } from "./read-body.ts";
import { resumeBody } from "./resume-body.ts";
import type { MultipartUpload, ObjectStore, PutOptions, PutResult } from "./object-store.ts";

/** Tokens shared by all calls of one process or one invocation: a retry takes one, a success gives back a part. */
export interface RetryBudget {
  /** True if a retry may be made now; takes its token. */
  spend(): boolean;
  /** After a call that worked at once. */
  refill(): void;
}

/** How to retry. `random` gives [0, 1); `sleep` waits, or throws to give up (a lease that ends). */
export interface RetryPolicy {
  /** Calls in all, the first one included. */
  readonly maxAttempts: number;
  /** Of these, how many may run out of time: each costs its caller the whole deadline. Default: all. */
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

/** True for our own errors whose disposition is `transient`; everything else would only fail again. */
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
      return result;
    } catch (error) {
      if (!isTransient(error) || attempt + 1 >= policy.maxAttempts) throw error;
      if (error.code === "store_timeout") timeouts += 1;
      if (timeouts >= (policy.maxTimeouts ?? policy.maxAttempts) || !policy.budget.spend()) throw error;
      await policy.sleep(computeDelay(policy, attempt, error.code));
    }
  }
}

/** Full jitter: uniform in [0, min(maxDelay, base × 2^attempt)); a throttled call backs off from a four times larger base. */
function computeDelay(policy: RetryPolicy, attempt: number, code: ErrorCode): number {
  const base = code === "store_throttled" ? policy.baseDelayMs * 4 : policy.baseDelayMs;
  return Math.floor(policy.random() * Math.min(policy.maxDelayMs, base * 2 ** attempt));
}

/**
 * The same store with its transient failures retried.
 *
 * A body that breaks off is continued from the byte where it broke, with `If-Match`, so no reader sees the break. A
 * conditional put whose answer was lost may meet its own write: a conflict after a failed attempt is resolved by comparing
 * the stored bytes. `createMultipart` may leave an orphaned upload behind; a lifecycle rule of the bucket removes it.
 */
export function withRetry(store: ObjectStore, policy: RetryPolicy): ObjectStore {
  return {
    capabilities: store.capabilities,
    head: (key) => retryTransient(policy, () => store.head(key)),
    list: (options) => retryTransient(policy, () => store.list(options)),
    delete: (keys) => retryTransient(policy, () => store.delete(keys)),
    put: (key, body, options) => retryTransient(policy, (attempt) => putOnce(store, key, body, options, attempt)),
    async get(key, options) {
      const result = await retryTransient(policy, () => store.get(key, options));
      if (result.kind !== "found") return result;
      return { ...result, body: resumeBody(store, result, options ?? {}, policy) };
    },
    read: (key, options) =>
      retryTransient(policy, async (attempt) => {
        if (attempt === 0) return store.read(key, options);
        // A body that broke once is read as a stream, which goes on where it breaks.
        const result = await store.get(key, options);
        if (result.kind !== "found") return result;
        return readFound({ ...result, body: resumeBody(store, result, options, policy) }, options);
      }),
    createMultipart: async (key, options) =>
      retryUpload(store, await retryTransient(policy, () => store.createMultipart(key, options)), policy),
    resumeMultipart: (key, uploadId) => retryUpload(store, store.resumeMultipart(key, uploadId), policy),
  };
}

async function putOnce(
  store: ObjectStore,
  key: string,
  body: Uint8Array | string,
  options: PutOptions | undefined,
  attempt: number,
): Promise<PutResult> {
  const result = await store.put(key, body, options);
  if (result.kind === "stored" || attempt === 0) return result;
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const found = await store.get(key);
  if (found.kind !== "found") return result;
  if (found.info.size !== bytes.length) {
    await cancelBody(found.body);
    return result;
  }
  const stored = await readBody(found.body, bytes.length, bytes.length);
  return stored.every((byte, at) => byte === bytes[at]) ? { kind: "stored", etag: found.info.etag } : result;
}

function retryUpload(store: ObjectStore, upload: MultipartUpload, policy: RetryPolicy): MultipartUpload {
  return {
    key: upload.key,
    uploadId: upload.uploadId,
    uploadPart: (partNumber, body) => retryTransient(policy, () => upload.uploadPart(partNumber, body)),
    abort: () => retryTransient(policy, () => upload.abort()),
    async complete(parts) {
      const before = await retryTransient(policy, () => store.head(upload.key));
      return retryTransient(policy, async (attempt) => {
        try {
          return await upload.complete(parts);
        } catch (error) {
          const gone = error instanceof ScoringError && error.code === "not_found";
          if (attempt === 0 || !gone) throw error;
          // The upload is gone after a lost answer: it was completed if the object is another one than before.
          const after = await store.head(upload.key);
          if (after === null || after.etag === before?.etag) throw error;
          return { etag: after.etag };
        }
      });
    },
  };
}
