/** Multipart uploads over the S3 protocol. */

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { ScoringError } from "../../errors.ts";
import { checkPartNumber, checkPartOrder } from "../key-rules.ts";
import type { MultipartUpload } from "../object-store.ts";

/** Runs one request, which sends `bytes` (default none), with its deadline and turns what it throws into our errors. */
export type S3Caller = <T>(
  operation: string,
  key: string,
  send: (client: S3Client, options: { abortSignal?: AbortSignal }) => Promise<T>,
  bytes?: number,
) => Promise<T>;

/** Begins an upload of `key`. */
export async function createS3Upload(
  call: S3Caller,
  bucket: string,
  key: string,
  contentType: string | undefined,
): Promise<MultipartUpload> {
  const created = await call("createMultipart", key, (s3, options) =>
    s3.send(
      new CreateMultipartUploadCommand({
        Bucket: bucket,
        Key: key,
        ...(contentType === undefined ? {} : { ContentType: contentType }),
      }),
      options,
    ),
  );
  if (created.UploadId === undefined) throw new ScoringError("store_unavailable", `no upload of ${key} was opened`);
  return openS3Upload(call, bucket, key, created.UploadId);
}

/** An upload that was begun before. */
export function openS3Upload(call: S3Caller, bucket: string, key: string, uploadId: string): MultipartUpload {
  const target = { Bucket: bucket, Key: key, UploadId: uploadId };
  return {
    key,
    uploadId,
    async uploadPart(partNumber, body) {
      checkPartNumber(partNumber);
      const part = await call(
        "uploadPart",
        key,
        (s3, options) => s3.send(new UploadPartCommand({ ...target, PartNumber: partNumber, Body: body }), options),
        body.length,
      );
      return { partNumber, etag: (part.ETag ?? "").replaceAll('"', "") };
    },
    async complete(parts) {
      checkPartOrder(parts);
      const Parts = parts.map(({ partNumber, etag }) => ({ PartNumber: partNumber, ETag: `"${etag}"` }));
      const stored = await call("complete", key, (s3, options) =>
        s3.send(new CompleteMultipartUploadCommand({ ...target, MultipartUpload: { Parts } }), options),
      );
      return { etag: (stored.ETag ?? "").replaceAll('"', "") };
    },
    async abort() {
      try {
        await call("abort", key, (s3, options) => s3.send(new AbortMultipartUploadCommand(target), options));
      } catch (error) {
        // What is gone already needs no aborting.
        if (!(error instanceof ScoringError) || error.code !== "not_found") throw error;
      }
    },
  };
}
