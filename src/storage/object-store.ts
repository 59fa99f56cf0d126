/**
 * The port to object storage. Adapters: R2 binding, S3 protocol, memory, filesystem; one contract suite
 * (test/contract/object-store.ts) runs over all of them.
 *
 * Transient failures are thrown as `store_unavailable | store_throttled | store_timeout | store_short_read`;
 * everything a caller can act on is a value.
 */

/** What a listing says about an object. */
export interface ObjectInfo {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Opaque; compared for equality only. Stored without quotes. */
  readonly etag: string;
}

/** Conditions and range of a read. */
export interface GetOptions {
  /** Read only if the object still has this etag. */
  readonly ifMatch?: string;
  readonly range?: { readonly offset: number; readonly length: number };
  /** S3 stores only. */
  readonly versionId?: string;
}

/** `changed`: `ifMatch` did not hold. With a range, `info.size` is still the whole object's. */
export type GetResult =
  | { readonly kind: "found"; readonly info: ObjectInfo; readonly body: ReadableStream<Uint8Array> }
  | { readonly kind: "missing" }
  | { readonly kind: "changed" };

/** Conditions of reading a body at once. */
export interface ReadOptions extends GetOptions {
  /** Of the object or of its range. */
  readonly maxBytes: number;
}

/** As {@link GetResult}, with the bytes of the object or the range; `too_large`: nothing was read. */
export type ReadResult =
  | { readonly kind: "found"; readonly info: ObjectInfo; readonly bytes: Uint8Array }
  | { readonly kind: "too_large"; readonly info: ObjectInfo }
  | Exclude<GetResult, { kind: "found" }>;

/** Conditions of a write (RFC 9110, section 13.1). */
export interface PutOptions {
  /** Create only: never overwrite. */
  readonly ifNoneMatch?: "*";
  /** Overwrite only this version. */
  readonly ifMatch?: string;
  readonly contentType?: string;
}

/** `conflict`: the condition did not hold and nothing was written. */
export type PutResult = { readonly kind: "stored"; readonly etag: string } | { readonly kind: "conflict" };

/** One page of a listing. */
export interface ListPage {
  /** In ascending order of the key's UTF-8 bytes. */
  readonly objects: readonly ObjectInfo[];
  /** Pass to the next call; absent on the last page. A page may be short or empty and still have one. */
  readonly cursor?: string;
}

/** One accepted part of a multipart upload. */
export interface UploadedPart {
  /** 1-based. */
  readonly partNumber: number;
  readonly etag: string;
}

/** A multipart upload. All parts but the last have the same size, ≥ 5 MiB (S3 and R2 rule). */
export interface MultipartUpload {
  readonly key: string;
  readonly uploadId: string;
  uploadPart(partNumber: number, body: Uint8Array): Promise<UploadedPart>;
  complete(parts: readonly UploadedPart[]): Promise<{ readonly etag: string }>;
  abort(): Promise<void>;
}

/** An object store as the core sees it. */
export interface ObjectStore {
  /** Where the adapter's rules differ for callers: `versions` true if `versionId` is honored, `seeks` if a listing that starts after any key costs what the first page costs, `egressDollarsPerGb` if reading it from here is billed by the gigabyte, 10⁹ bytes. */
  readonly capabilities: {
    readonly versions: boolean;
    readonly seeks?: boolean;
    readonly egressDollarsPerGb?: number;
  };
  head(key: string): Promise<ObjectInfo | null>;
  get(key: string, options?: GetOptions): Promise<GetResult>;
  /** `get` and its whole body in one: for small objects, where a stream costs more than the bytes. */
  read(key: string, options: ReadOptions): Promise<ReadResult>;
  put(key: string, body: Uint8Array | string, options?: PutOptions): Promise<PutResult>;
  /** One page of at most `limit` (default and maximum 1,000) keys under `prefix`, after `startAfter` or from `cursor`. */
  list(options: { prefix: string; cursor?: string; startAfter?: string; limit?: number }): Promise<ListPage>;
  /** Missing keys are not an error. At most 1,000 keys. */
  delete(keys: readonly string[]): Promise<void>;
  createMultipart(key: string, options?: { contentType?: string }): Promise<MultipartUpload>;
  resumeMultipart(key: string, uploadId: string): MultipartUpload;
}
