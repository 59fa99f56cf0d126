/** A store whose calls are tried again. */

import { ScoringError } from "../errors.ts";
import { cancelBody, readBody, readFound } from "./read-body.ts";
import { resumeBody } from "./resume-body.ts";
import type { MultipartUpload, ObjectStore, PutOptions, PutResult } from "./object-store.ts";
import { type RetryPolicy, retryTransient } from "./retry.ts";

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
        // A body that broke once is read as a stream, which continues where it breaks off.
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
          // The upload is gone after a lost answer: it was completed if the object is not the one that was there before.
          const after = await store.head(upload.key);
          if (after === null || after.etag === before?.etag) throw error;
          return { etag: after.etag };
        }
      });
    },
  };
}
