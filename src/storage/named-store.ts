/** A store that says its name when it fails: a job with several has to know which one it waits for. */

import { ScoringError } from "../errors.ts";
import type { MultipartUpload, ObjectStore } from "./object-store.ts";

/** The same store; its transient failures carry `name`, except those of a streamed body. */
export function nameStore(store: ObjectStore, name: string): ObjectStore {
  async function run<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ScoringError) || error.disposition !== "transient" || error.store !== null) throw error;
      throw new ScoringError(error.code, error.detail, { cause: error, store: name });
    }
  }
  const nameUpload = (upload: MultipartUpload): MultipartUpload => ({
    key: upload.key,
    uploadId: upload.uploadId,
    uploadPart: (partNumber, body) => run(() => upload.uploadPart(partNumber, body)),
    complete: (parts) => run(() => upload.complete(parts)),
    abort: () => run(() => upload.abort()),
  });
  return {
    capabilities: store.capabilities,
    head: (key) => run(() => store.head(key)),
    get: (key, options) => run(() => store.get(key, options)),
    read: (key, options) => run(() => store.read(key, options)),
    put: (key, body, options) => run(() => store.put(key, body, options)),
    list: (options) => run(() => store.list(options)),
    delete: (keys) => run(() => store.delete(keys)),
    createMultipart: async (key, options) => nameUpload(await run(() => store.createMultipart(key, options))),
    resumeMultipart: (key, uploadId) => nameUpload(store.resumeMultipart(key, uploadId)),
  };
}
