/** The part of Cloudflare's R2 binding that the adapter uses, so that nothing else of the Workers types is needed here. */

/** Metadata of a stored object. */
export interface R2ObjectLike {
  readonly key: string;
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
}

/** An object with its bytes. */
export interface R2BodyLike extends R2ObjectLike {
  readonly body: ReadableStream<Uint8Array>;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** `etagDoesNotMatch: "*"` is what `If-None-Match: *` is over HTTP. */
export interface R2ConditionLike {
  readonly etagMatches?: string;
  readonly etagDoesNotMatch?: string;
}

/** A part that was uploaded. */
export interface R2PartLike {
  readonly partNumber: number;
  readonly etag: string;
}

/** An open multipart upload. */
export interface R2UploadLike {
  readonly key: string;
  readonly uploadId: string;
  uploadPart(partNumber: number, value: Uint8Array): Promise<R2PartLike>;
  complete(parts: R2PartLike[]): Promise<R2ObjectLike>;
  abort(): Promise<void>;
}

/** One listing page; `cursor` only where `truncated`. */
export interface R2ListLike {
  readonly objects: readonly R2ObjectLike[];
  readonly truncated: boolean;
  readonly cursor?: string;
}

/** The binding of one bucket. `get` gives metadata without `body` where a condition failed; `put` gives null then. */
export interface R2BucketLike {
  head(key: string): Promise<R2ObjectLike | null>;
  get(
    key: string,
    options?: { onlyIf?: R2ConditionLike; range?: { offset: number; length: number } },
  ): Promise<R2BodyLike | R2ObjectLike | null>;
  put(
    key: string,
    value: Uint8Array | string,
    options?: { onlyIf?: R2ConditionLike; httpMetadata?: { contentType?: string } },
  ): Promise<R2ObjectLike | null>;
  list(options: { prefix?: string; cursor?: string; startAfter?: string; limit?: number }): Promise<R2ListLike>;
  delete(keys: string[]): Promise<void>;
  createMultipartUpload(key: string, options?: { httpMetadata?: { contentType?: string } }): Promise<R2UploadLike>;
  resumeMultipartUpload(key: string, uploadId: string): R2UploadLike;
}
