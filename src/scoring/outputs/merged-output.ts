/** One merged object under way: encoder, part buffer and upload, over as many invocations as it takes. */

import { ScoringError } from "../../errors.ts";
import type { MultipartUpload, ObjectStore, UploadedPart } from "../../storage/object-store.ts";
import { createPartBuffer, type PartBuffer, type StreamEnd } from "./part-buffer.ts";
import type { PartitionValues } from "../records/partitions.ts";
import type { OpenSha256 } from "../sha256.ts";

/** What the checkpoint keeps of one output; the held bytes lie in an object of their own. */
export interface UploadState {
  readonly uploadId: string | null;
  readonly parts: readonly UploadedPart[];
}

/** A finished object, as `_SUCCESS` lists it. */
export interface WrittenObject {
  /** Relative to the job's folder. */
  readonly name: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Rows of a part of a data set; absent for other objects. */
  readonly rows?: number;
  /** Values that all its rows share; absent where nothing is partitioned. */
  readonly partition?: PartitionValues;
}

/** One output that is written in pieces: small ones by one put, large ones by multipart. */
export interface MergedOutput {
  readonly name: string;
  /** Takes bytes; uploads every part that became complete. */
  append(bytes: Uint8Array): Promise<void>;
  saveUpload(): UploadState;
  saveBuffer(): Uint8Array;
  /** Writes what is left and completes the object. May be repeated from the same state. */
  finish(): Promise<WrittenObject>;
}

/** Thrown inside finalization when an upload cannot be completed any more: it starts over. */
export const UPLOAD_SPOILED = "the upload was spoiled by another attempt";

/** Where an output goes, and how. */
export interface MergedOutputOptions {
  readonly store: ObjectStore;
  readonly folder: string;
  readonly name: string;
  readonly contentType: string;
  /** Bytes of each part of a multipart upload but the last. */
  readonly partBytes: number;
  /** Absent: a hash that can be saved between steps. */
  readonly openHash?: OpenSha256;
}

/** Starts an output, or goes on where the saved state says. */
export function createMergedOutput(
  { store, folder, name, contentType, partBytes, openHash }: MergedOutputOptions,
  saved: { readonly upload: UploadState; readonly buffer: Uint8Array } | null,
): MergedOutput {
  const key = `${folder}${name}`;
  const hash = openHash === undefined ? {} : { openHash };
  const buffer: PartBuffer = createPartBuffer({ partBytes, ...hash }, saved?.buffer);
  const parts: UploadedPart[] = [...(saved?.upload.parts ?? [])];
  let upload: MultipartUpload | null =
    saved === null || saved.upload.uploadId === null ? null : store.resumeMultipart(key, saved.upload.uploadId);

  /** Set when the upload is no longer open: an earlier run of this same step completed it, and died before it could report that. */
  let gone = false;

  async function uploadPart(bytes: Uint8Array): Promise<void> {
    if (gone) return;
    upload ??= await store.createMultipart(key, { contentType });
    try {
      parts.push(await upload.uploadPart(parts.length + 1, bytes));
    } catch (error) {
      if (!(error instanceof ScoringError) || error.code !== "not_found") throw error;
      gone = true;
    }
  }

  async function completeUpload(end: StreamEnd): Promise<void> {
    if (upload === null) {
      await store.put(key, end.part ?? new Uint8Array(), { contentType });
      return;
    }
    if (end.part !== null) await uploadPart(end.part);
    let cause: unknown;
    try {
      if (!gone) {
        await upload.complete(parts);
        return;
      }
    } catch (error) {
      if (error instanceof ScoringError && error.disposition === "transient") throw error;
      cause = error;
    }
    const info = await store.head(key);
    if (info?.size !== end.bytes) throw new ScoringError("internal", UPLOAD_SPOILED, { cause });
  }

  return {
    name,
    async append(bytes) {
      for (const part of buffer.append(bytes)) await uploadPart(part);
    },
    saveUpload: () => ({ uploadId: upload?.uploadId ?? null, parts }),
    saveBuffer: () => buffer.save(),
    async finish() {
      const end = buffer.finish();
      await completeUpload(end);
      return { name, bytes: end.bytes, sha256: end.sha256 };
    },
  };
}
