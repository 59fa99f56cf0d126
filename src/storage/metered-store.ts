/** A store that counts what is asked of it, as object stores charge for it. */

import type { MultipartUpload, ObjectStore } from "./object-store.ts";

/** Charged operations. Deleting and aborting cost nothing (R2 pricing; S3 pricing, DELETE requests). */
export interface StoreOperations {
  /** `get` and `head`: class B. */
  readonly reads: number;
  /** `put`, `list` and the calls of multipart uploads: class A. */
  readonly writes: number;
}

/** A store and what was asked of it so far. An operation that a lower layer retries counts once. */
export interface MeteredStore extends ObjectStore {
  readonly operations: () => StoreOperations;
}

/** None. */
export const NO_OPERATIONS: StoreOperations = { reads: 0, writes: 0 };

/** Sum. */
export function addOperations(a: StoreOperations, b: StoreOperations): StoreOperations {
  return { reads: a.reads + b.reads, writes: a.writes + b.writes };
}

/** `store`, counted from now on. */
export function meterStore(store: ObjectStore): MeteredStore {
  let reads = 0;
  let writes = 0;
  const read = <T>(result: T): T => {
    reads += 1;
    return result;
  };
  const write = <T>(result: T): T => {
    writes += 1;
    return result;
  };
  const meterUpload = (upload: MultipartUpload): MultipartUpload => ({
    key: upload.key,
    uploadId: upload.uploadId,
    uploadPart: (partNumber, body) => write(upload.uploadPart(partNumber, body)),
    complete: (parts) => write(upload.complete(parts)),
    abort: () => upload.abort(),
  });
  return {
    capabilities: store.capabilities,
    operations: () => ({ reads, writes }),
    head: (key) => read(store.head(key)),
    get: (key, options) => read(store.get(key, options)),
    read: (key, options) => read(store.read(key, options)),
    put: (key, body, options) => write(store.put(key, body, options)),
    list: (options) => write(store.list(options)),
    delete: (keys) => store.delete(keys),
    createMultipart: async (key, options) => meterUpload(await write(store.createMultipart(key, options))),
    resumeMultipart: (key, uploadId) => meterUpload(store.resumeMultipart(key, uploadId)),
  };
}
