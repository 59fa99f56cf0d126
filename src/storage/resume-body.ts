/** A body that continues where it broke off. */

import { ScoringError } from "../errors.ts";
import { classifyBodyError, classifyNetworkError } from "./network-errors.ts";
import type { GetOptions, GetResult, ObjectStore } from "./object-store.ts";
import { retryTransient, type RetryPolicy } from "./retry.ts";

type Found = Extract<GetResult, { kind: "found" }>;

/**
 * The body of `found`, which was read with `options`. When it breaks off or ends early, the rest is read by range with
 * `If-Match`; an object that changed in the meantime breaks the stream with `object_changed`, one that is gone with
 * `object_missing`. The policy's attempts start from zero after every byte that arrives.
 */
export function resumeBody(
  store: ObjectStore,
  found: Found,
  options: GetOptions,
  policy: RetryPolicy,
): ReadableStream<Uint8Array> {
  const { key, size, etag } = found.info;
  const start = options.range?.offset ?? 0;
  const end = Math.min(size, start + (options.range?.length ?? size));
  let reader = found.body.getReader();
  let at = start;

  async function reopen(): Promise<void> {
    const result = await store.get(key, { ...options, ifMatch: etag, range: { offset: at, length: end - at } });
    if (result.kind === "found") reader = result.body.getReader();
    else if (result.kind === "changed") throw new ScoringError("object_changed", `${key} changed while it was read`);
    else throw new ScoringError("object_missing", `${key} was deleted while it was read`);
  }

  async function readNext(): Promise<Uint8Array | null> {
    const { done, value } = await reader.read();
    if (!done) return value;
    if (at < end)
      throw new ScoringError("store_short_read", `the store sent ${at - start} of ${end - start} bytes of ${key}`);
    return null;
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = await retryTransient(policy, async (attempt) => {
          try {
            if (attempt > 0) await reopen();
            return await readNext();
          } catch (error) {
            // All bytes are here: what broke after them is of no interest.
            if (at >= end && classifyNetworkError(error) !== null) return null;
            await dropReader(reader);
            throw classifyBodyError(error);
          }
        });
        if (chunk === null) return controller.close();
        at += chunk.length;
        controller.enqueue(chunk);
      },
      async cancel() {
        await reader.cancel();
      },
    },
    // Nothing is read ahead: a body that is canceled unread costs no request.
    { highWaterMark: 0 },
  );
}

async function dropReader(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  try {
    await reader.cancel();
  } catch {
    // It is broken already.
  }
}
