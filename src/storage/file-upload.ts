/** Multipart uploads in a folder: parts are files in the scratch folder, so another process can go on (Node only). */

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { ScoringError } from "../errors.ts";
import { computeEtag, copyFile, createEtagHash, writeScratch } from "./file-content.ts";
import { resolveKeyPath, SCRATCH_FOLDER } from "./file-paths.ts";
import { checkPartNumber, checkPartOrder, MIN_PART_BYTES } from "./key-rules.ts";
import type { MultipartUpload, PutResult, UploadedPart } from "./object-store.ts";

type Place = (scratch: string, etag: string) => Promise<PutResult>;

const UPLOAD_ID = /^upload-[A-Za-z0-9]{6}$/;

/** Begins an upload; `place` moves the finished file to the key. */
export async function createFileUpload(root: string, key: string, place: Place): Promise<MultipartUpload> {
  resolveKeyPath(root, key);
  await mkdir(join(root, SCRATCH_FOLDER), { recursive: true });
  const folder = await mkdtemp(join(root, SCRATCH_FOLDER, "upload-"));
  await writeFile(join(folder, "key"), key);
  return openFileUpload(root, key, basename(folder), place);
}

/** An upload that was begun before, by this process or another. */
export function openFileUpload(root: string, key: string, uploadId: string, place: Place): MultipartUpload {
  resolveKeyPath(root, key);
  const folder = join(root, SCRATCH_FOLDER, UPLOAD_ID.test(uploadId) ? uploadId : "upload-none");

  async function checkOpen(): Promise<void> {
    const owner = await readFile(join(folder, "key"), "utf8").catch(() => null);
    if (owner !== key) throw new ScoringError("not_found", `There is no open multipart upload of ${key} with this id.`);
  }

  return {
    key,
    uploadId,
    async uploadPart(partNumber, body) {
      checkPartNumber(partNumber);
      await checkOpen();
      await writeFile(join(folder, String(partNumber)), body);
      return { partNumber, etag: computeEtag(body) };
    },
    async complete(parts) {
      checkPartOrder(parts);
      await checkOpen();
      let etag = "";
      const scratch = await writeScratch(root, async (file) => {
        etag = await joinParts(folder, parts, file);
      });
      const stored = await place(scratch, etag);
      await rm(folder, { recursive: true, force: true });
      if (stored.kind === "stored") return { etag: stored.etag };
      throw new ScoringError("conflict", `The upload of ${key} met another object.`);
    },
    abort: () => rm(folder, { recursive: true, force: true }),
  };
}

/**
 * Writes the parts one after the other, checked as S3 and R2 check them: known, equal and large enough. Each byte is read once,
 * by synchronous calls, a part at a time.
 * @returns the etag of the whole
 */
async function joinParts(folder: string, parts: readonly UploadedPart[], to: number): Promise<string> {
  const sizes: number[] = [];
  const whole = createEtagHash();
  for (const { partNumber, etag } of parts) {
    const own = createEtagHash();
    const size = copyFile(join(folder, String(partNumber)), to, (piece) => {
      own.update(piece);
      whole.update(piece);
    });
    if (size === null || own.etag() !== etag) {
      throw new ScoringError("validation_failed", `Part ${partNumber} was not uploaded with this etag.`);
    }
    sizes.push(size);
    // Whoever waits for this thread gets its turn.
    await setImmediate();
  }
  const partBytes = sizes[0] ?? 0;
  const unequal = sizes.slice(0, -1).some((size) => size < MIN_PART_BYTES || size !== partBytes);
  if (unequal || (sizes.at(-1) ?? 0) > partBytes) {
    throw new ScoringError(
      "validation_failed",
      "All parts but the last have one size, of at least 5 MiB; the last may be smaller.",
    );
  }
  return whole.etag();
}
