/** An ObjectStore in memory: the model that every other adapter is tested against, and the store that tests use. */

import { concatUint8Arrays } from "uint8array-extras";
import { ScoringError } from "../errors.ts";
import {
  checkDeleteKeys,
  checkKey,
  checkPartNumber,
  checkPartOrder,
  clampPageSize,
  compareKeys,
  formatKeyCursor,
  MIN_PART_BYTES,
  parseKeyCursor,
  resolveRange,
} from "./key-rules.ts";
import type {
  GetOptions,
  GetResult,
  ListPage,
  MultipartUpload,
  ObjectInfo,
  ObjectStore,
  PutOptions,
  PutResult,
  UploadedPart,
} from "./object-store.ts";
import { hashBytes, streamBytes } from "./bytes.ts";
import { readFound } from "./read-body.ts";

interface Stored {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

interface PendingUpload {
  readonly key: string;
  readonly parts: Map<number, Stored>;
}

/** Options of {@link createMemoryStore}; `minPartBytes` may be small in tests (default 5 MiB). */
export interface MemoryStoreOptions {
  readonly minPartBytes?: number;
}

/**
 * A store in memory. Etags are content hashes, so equal bytes have equal etags, as single S3 puts have.
 * Each call takes effect at one instant: concurrent conditional puts have one winner.
 */
export function createMemoryStore(options: MemoryStoreOptions = {}): ObjectStore {
  const minPartBytes = options.minPartBytes ?? MIN_PART_BYTES;
  const objects = new Map<string, Stored>();
  const uploads = new Map<string, PendingUpload>();
  // Sorted keys, rebuilt after a change of the key set: listing a million keys in pages must not sort at each page.
  let sortedKeys: string[] | null = null;
  let uploadCount = 0;

  function listKeys(): string[] {
    sortedKeys ??= [...objects.keys()].toSorted(compareKeys);
    return sortedKeys;
  }

  function store(key: string, stored: Stored): void {
    if (!objects.has(key)) sortedKeys = null;
    objects.set(key, stored);
  }

  function findUpload(key: string, uploadId: string): PendingUpload {
    const upload = uploads.get(uploadId);
    if (upload?.key === key) return upload;
    throw new ScoringError("not_found", `there is no open multipart upload of ${key} with this id`);
  }

  function openUpload(key: string, uploadId: string): MultipartUpload {
    return {
      key,
      uploadId,
      async uploadPart(partNumber, body) {
        checkPartNumber(partNumber);
        const bytes = body.slice();
        const etag = await hashBytes(bytes);
        findUpload(key, uploadId).parts.set(partNumber, { bytes, etag });
        return { partNumber, etag };
      },
      async complete(parts) {
        const bytes = joinParts(findUpload(key, uploadId), parts, minPartBytes);
        const etag = `${await hashBytes(bytes)}-${parts.length}`;
        findUpload(key, uploadId);
        uploads.delete(uploadId);
        store(key, { bytes, etag });
        return { etag };
      },
      async abort() {
        uploads.delete(uploadId);
      },
    };
  }

  const memory: ObjectStore = {
    capabilities: { versions: false, seeks: true },
    async head(key) {
      const stored = objects.get(checkKey(key));
      return stored === undefined ? null : describe(key, stored);
    },
    async get(key, getOptions: GetOptions = {}): Promise<GetResult> {
      const stored = objects.get(checkKey(key));
      if (stored === undefined) return { kind: "missing" };
      if (getOptions.ifMatch !== undefined && getOptions.ifMatch !== stored.etag) return { kind: "changed" };
      const info = describe(key, stored);
      if (getOptions.range === undefined) return { kind: "found", info, body: streamBytes(stored.bytes) };
      const { offset, length } = resolveRange(key, stored.bytes.length, getOptions.range);
      return { kind: "found", info, body: streamBytes(stored.bytes.subarray(offset, offset + length)) };
    },
    read: async (key, readOptions) => readFound(await memory.get(key, readOptions), readOptions),
    async put(key, body, putOptions: PutOptions = {}): Promise<PutResult> {
      checkKey(key);
      const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body.slice();
      const etag = await hashBytes(bytes);
      const current = objects.get(key);
      if (putOptions.ifNoneMatch !== undefined && current !== undefined) return { kind: "conflict" };
      if (putOptions.ifMatch !== undefined && current?.etag !== putOptions.ifMatch) return { kind: "conflict" };
      store(key, { bytes, etag });
      return { kind: "stored", etag };
    },
    async list({ prefix, cursor, startAfter, limit }): Promise<ListPage> {
      const after = cursor === undefined ? startAfter : parseKeyCursor(cursor);
      const pageSize = clampPageSize(limit);
      const keys = listKeys();
      const page: ObjectInfo[] = [];
      let at = findFirst(keys, prefix, after);
      for (; at < keys.length && page.length < pageSize; at++) {
        const key = keys[at]!;
        if (!key.startsWith(prefix)) break;
        page.push(describe(key, objects.get(key)!));
      }
      const last = page.at(-1);
      const more = last !== undefined && (keys[at]?.startsWith(prefix) ?? false);
      return more ? { objects: page, cursor: formatKeyCursor(last.key) } : { objects: page };
    },
    async delete(keys) {
      for (const key of checkDeleteKeys(keys)) {
        if (objects.delete(key)) sortedKeys = null;
      }
    },
    async createMultipart(key) {
      checkKey(key);
      uploadCount += 1;
      const uploadId = `upload-${uploadCount}`;
      uploads.set(uploadId, { key, parts: new Map() });
      return openUpload(key, uploadId);
    },
    resumeMultipart: (key, uploadId) => openUpload(checkKey(key), uploadId),
  };
  return memory;
}

function describe(key: string, stored: Stored): ObjectInfo {
  return { key, size: stored.bytes.length, etag: stored.etag };
}

/** Index of the first key that is not before `prefix` and is after `after`: binary search. */
function findFirst(keys: readonly string[], prefix: string, after: string | undefined): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const key = keys[middle]!;
    const before = compareKeys(key, prefix) < 0 || (after !== undefined && compareKeys(key, after) <= 0);
    if (before) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The bytes of an upload's parts, checked as S3 and R2 check them: known, ascending, equal and large enough. */
function joinParts(upload: PendingUpload, parts: readonly UploadedPart[], minPartBytes: number): Uint8Array {
  checkPartOrder(parts);
  const bodies: Uint8Array[] = [];
  for (const { partNumber, etag } of parts) {
    const stored = upload.parts.get(partNumber);
    if (stored === undefined || stored.etag !== etag) {
      throw new ScoringError("validation_failed", `part ${partNumber} was not uploaded with this etag`);
    }
    bodies.push(stored.bytes);
  }
  const partBytes = bodies[0]?.length ?? 0;
  for (const body of bodies.slice(0, -1)) {
    if (body.length < minPartBytes || body.length !== partBytes) {
      throw new ScoringError("validation_failed", "all parts but the last have one size, of at least 5 MiB");
    }
  }
  if ((bodies.at(-1)?.length ?? 0) > partBytes) {
    throw new ScoringError("validation_failed", "the last part may not be larger than the others");
  }
  return concatUint8Arrays(bodies);
}
