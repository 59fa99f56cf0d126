/** The ObjectStore of the S3 protocol: AWS S3, R2, MinIO, Ceph … The same file runs in workerd, Node and a browser. */

import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { ScoringError } from "../../errors.ts";
import { runPaced, startDeadline, type StorePace } from "../deadline.ts";
import { checkDeleteKeys, checkKey, clampPageSize, rangeError } from "../key-rules.ts";
import type {
  GetOptions,
  GetResult,
  ListPage,
  ObjectInfo,
  ObjectStore,
  PutOptions,
  PutResult,
} from "../object-store.ts";
import { readFound } from "../read-body.ts";
import { readS3Failure, toS3Error } from "./s3-errors.ts";
import { createS3Upload, openS3Upload, type S3Caller } from "./s3-upload.ts";

/** Where a bucket is and how to sign for it. */
export interface S3StoreConfig {
  /** Absent for AWS itself. */
  readonly endpoint?: string;
  /** Absent: what the machine is configured for (Node). */
  readonly region?: string;
  readonly bucket: string;
  /** `https://host/bucket/key` instead of `https://bucket.host/key`. */
  readonly forcePathStyle: boolean;
  /** Absent: those that the AWS SDK finds on the machine, such as its variables, profile or role (Node). */
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  /** True if the bucket keeps versions; then `versionId` is honored. Default false. */
  readonly versions?: boolean;
  /** What reading from here is billed by the gigabyte, dollars; for estimates. */
  readonly egressDollarsPerGb?: number;
  /** How long a call may take, its body included. No limit by default. */
  readonly pace?: StorePace;
}

/** Assumed for the length of a body where the answer does not give it. */
const UNTOLD_BYTES = 32 * 1024 * 1024;

interface OpenedObject {
  readonly found: GetObjectCommandOutput;
  readonly body: ReadableStream<Uint8Array> | undefined;
}

/** Text that XML 1.0 cannot carry, or that some servers' parsers trim; a batch delete is XML. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const NOT_XML = /[\u0000-\u001f\ufffe\uffff]|^\s|\s$/;

/**
 * A store over the S3 protocol. Retries are the caller's (`withRetry`): the SDK makes one attempt.
 *
 * Keys with a path segment `.` or `..` are refused: URL parsers resolve such segments, escaped or not, and the request would
 * reach another object, or another bucket.
 */
export function createS3Store(config: S3StoreConfig): ObjectStore {
  const client = createClient(config);
  const bucket = config.bucket;

  const call: S3Caller = async (operation, key, send, bytes = 0) => {
    try {
      return await runPaced(config.pace, `${operation} of ${key}`, bytes, (abortSignal) =>
        send(client, abortSignal === undefined ? {} : { abortSignal }),
      );
    } catch (error) {
      throw toS3Error(error, operation, key);
    }
  };

  /** A call whose answer has a body: the deadline lasts until the body has been read. */
  async function open(key: string, options: GetOptions): Promise<OpenedObject> {
    const deadline = config.pace === undefined ? null : startDeadline(config.pace, `get of ${key}`);
    try {
      const input = { Bucket: bucket, Key: key, ...toGetInput(key, options) };
      const sent = client.send(new GetObjectCommand(input), deadline === null ? {} : { abortSignal: deadline.signal });
      const found = await (deadline?.hold(sent) ?? sent);
      const body: ReadableStream<Uint8Array> | undefined = found.Body?.transformToWebStream();
      deadline?.restart(found.ContentLength ?? UNTOLD_BYTES);
      return { found, body: body === undefined ? undefined : (deadline?.bound(body) ?? body) };
    } catch (error) {
      deadline?.end();
      throw toS3Error(error, "get", key);
    }
  }

  /** Size of the version with this etag; `undefined` if there no longer is one. */
  const headSize = async (key: string, etag: string | undefined): Promise<number | undefined> => {
    const condition = etag === undefined ? {} : { IfMatch: etag };
    const found = await call("head", key, (s3, options) =>
      s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key, ...condition }), options),
    );
    return found.ContentLength;
  };

  const s3Store: ObjectStore = {
    capabilities: {
      versions: config.versions ?? false,
      seeks: true,
      ...(config.egressDollarsPerGb === undefined ? {} : { egressDollarsPerGb: config.egressDollarsPerGb }),
    },
    async head(key): Promise<ObjectInfo | null> {
      checkS3Key(key);
      try {
        const found = await call("head", key, (s3, options) =>
          s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }), options),
        );
        return { key, size: found.ContentLength ?? 0, etag: readEtag(found.ETag) };
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
    },
    async get(key, options = {}): Promise<GetResult> {
      checkS3Key(key);
      if (options.versionId !== undefined && config.versions !== true) {
        throw new ScoringError("version_unsupported", "this store has no object versions");
      }
      try {
        const { found, body } = await open(key, options);
        const told = options.range === undefined ? found.ContentLength : readTotal(found.ContentRange);
        // Proxies that may rewrite a page (the local endpoint does so for text/html) send it without a length.
        const size = told ?? (await headSize(key, found.ETag));
        if (size === undefined || body === undefined) {
          throw new ScoringError("store_unavailable", `the answer for ${key} does not say how long the object is`);
        }
        return { kind: "found", info: { key, size, etag: readEtag(found.ETag) }, body };
      } catch (error) {
        if (isMissing(error)) return { kind: "missing" };
        if (isPrecondition(error)) return { kind: "changed" };
        throw error;
      }
    },
    read: async (key, readOptions) => readFound(await s3Store.get(key, readOptions), readOptions),
    async put(key, body, options = {}): Promise<PutResult> {
      checkS3Key(key);
      // An empty string would be taken for a missing body of unknown length.
      const Body = typeof body === "string" ? new TextEncoder().encode(body) : body;
      const input = { Bucket: bucket, Key: key, Body, ContentLength: Body.length, ...toPutInput(options) };
      try {
        const stored = await call(
          "put",
          key,
          (s3, sendOptions) => s3.send(new PutObjectCommand(input), sendOptions),
          Body.length,
        );
        return { kind: "stored", etag: readEtag(stored.ETag) };
      } catch (error) {
        // An overwrite of a version that is gone is a conflict too: S3 answers 404.
        if (isPrecondition(error) || (options.ifMatch !== undefined && isMissing(error))) return { kind: "conflict" };
        throw error;
      }
    },
    async list({ prefix, cursor, startAfter, limit }): Promise<ListPage> {
      const page = await call("list", prefix, (s3, options) =>
        s3.send(
          new ListObjectsV2Command({
            Bucket: bucket,
            Prefix: prefix,
            MaxKeys: clampPageSize(limit),
            // Keys may hold characters that XML cannot.
            EncodingType: "url",
            ...(cursor === undefined
              ? startAfter === undefined
                ? {}
                : { StartAfter: startAfter }
              : { ContinuationToken: cursor }),
          }),
          options,
        ),
      );
      const encoded = page.EncodingType === "url";
      const objects = (page.Contents ?? []).map(({ Key = "", Size = 0, ETag }) => ({
        key: encoded ? decodeURIComponent(Key.replaceAll("+", " ")) : Key,
        size: Size,
        etag: readEtag(ETag),
      }));
      const next = page.NextContinuationToken;
      if (page.IsTruncated !== true) return { objects };
      if (next !== undefined) return { objects, cursor: next };
      throw new ScoringError("store_unavailable", "the listing is cut off without a token to go on with");
    },
    async delete(keys) {
      for (const key of checkDeleteKeys(keys)) checkS3Key(key);
      const batch = keys.filter((key) => !NOT_XML.test(key));
      for (const key of keys.length === 1 ? keys : keys.filter((each) => NOT_XML.test(each))) {
        await call("delete", key, (s3, options) =>
          s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }), options),
        );
      }
      if (keys.length === 1 || batch.length === 0) return;
      const Objects = batch.map((Key) => ({ Key }));
      const { Errors: errors = [] } = await call("delete", batch[0] ?? "", (s3, options) =>
        s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }), options),
      );
      const first = errors[0];
      if (first !== undefined) throw toDeleteError(first.Code ?? "", first.Key ?? "", errors.length);
    },
    createMultipart: async (key, options = {}) => createS3Upload(call, bucket, checkS3Key(key), options.contentType),
    resumeMultipart: (key, uploadId) => openS3Upload(call, bucket, checkS3Key(key), uploadId),
  };
  return s3Store;
}

function createClient(config: S3StoreConfig): S3Client {
  const client = new S3Client({
    forcePathStyle: config.forcePathStyle,
    ...(config.region === undefined ? {} : { region: config.region }),
    ...(config.credentials === undefined ? {} : { credentials: { ...config.credentials } }),
    maxAttempts: 1,
    // Stores other than AWS answer 501 to the checksums that the SDK adds by default.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    ...(config.endpoint === undefined ? {} : { endpoint: config.endpoint }),
  });
  // Node's handler waits for "100 Continue", which many stores never send.
  client.middlewareStack.remove("addExpectContinueMiddleware");
  return client;
}

function checkS3Key(key: string): string {
  checkKey(key);
  if (!key.split("/").some((segment) => segment === "." || segment === "..")) return key;
  throw new ScoringError("validation_failed", `the key ${key} has a dot segment, which no URL can carry`);
}

/** Stored without quotes, as R2 gives it; a weak mark stays. */
function readEtag(header: string | undefined): string {
  return (header ?? "").replaceAll('"', "");
}

function toGetInput(
  key: string,
  { ifMatch, range, versionId }: GetOptions,
): {
  IfMatch?: string;
  Range?: string;
  VersionId?: string;
} {
  if (range !== undefined && (range.length < 1 || range.offset < 0)) throw rangeError(key);
  return {
    ...(ifMatch === undefined ? {} : { IfMatch: `"${ifMatch}"` }),
    ...(range === undefined ? {} : { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` }),
    ...(versionId === undefined ? {} : { VersionId: versionId }),
  };
}

function toPutInput(options: PutOptions): { IfNoneMatch?: string; IfMatch?: string; ContentType?: string } {
  return {
    ...(options.ifNoneMatch === undefined ? {} : { IfNoneMatch: options.ifNoneMatch }),
    ...(options.ifMatch === undefined ? {} : { IfMatch: `"${options.ifMatch}"` }),
    ...(options.contentType === undefined ? {} : { ContentType: options.contentType }),
  };
}

/** The whole object's bytes from `bytes 0-9/1234`. */
function readTotal(contentRange: string | undefined): number | undefined {
  const total = /\/(\d+)$/.exec(contentRange ?? "")?.[1];
  return total === undefined ? undefined : Number(total);
}

function causeOf(error: unknown): { readonly name: string; readonly status: number } {
  return readS3Failure(error instanceof ScoringError ? error.cause : error);
}

/** The object is not there; a missing bucket is another matter. 405 is S3's answer for a delete marker. */
function isMissing(error: unknown): boolean {
  const { name, status } = causeOf(error);
  return (status === 404 && name !== "NoSuchBucket") || status === 405;
}

function isPrecondition(error: unknown): boolean {
  return causeOf(error).status === 412;
}

function toDeleteError(code: string, key: string, count: number): unknown {
  const failure = Object.assign(new Error(`${count} keys were not deleted`), { name: code, $metadata: {} });
  const error = toS3Error(failure, "delete", key);
  return error instanceof ScoringError
    ? error
    : new ScoringError("store_unavailable", failure.message, { cause: failure });
}
