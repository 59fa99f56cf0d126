/**
 * Multipart uploads in a folder (Node only). They lie in the scratch folder, so that another process can continue: a file of bytes per
 * writer, which appends its parts as they come, and per part a small file that says where its bytes lie.
 */

import { closeSync, openSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { ScoringError } from "../../errors.ts";
import {
  claimPath,
  computeEtag,
  copyRange,
  createEtagHash,
  linkScratch,
  writeAll,
  writeScratch,
} from "./file-content.ts";
import { readSystemCode, resolveKeyPath, SCRATCH_FOLDER } from "./file-paths.ts";
import { checkPartNumber, checkPartOrder, MIN_PART_BYTES } from "../key-rules.ts";
import type { MultipartUpload, PutResult, UploadedPart } from "../object-store.ts";

type Place = (scratch: string, etag: string) => Promise<PutResult>;

const UPLOAD_ID = /^upload-[A-Za-z0-9]{6}$/;

/** Where a part lies; an upload of the same part replaces it. */
interface PartPlace extends UploadedPart {
  /** A writer's, in the upload's folder. */
  readonly file: string;
  readonly offset: number;
  readonly size: number;
}

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
  const own = { path: "", bytes: 0, hash: createEtagHash() };

  async function checkOpen(): Promise<void> {
    const owner = await readFile(join(folder, "key"), "utf8").catch(() => null);
    if (owner !== key) throw new ScoringError("not_found", `there is no open multipart upload of ${key} with this id`);
  }

  /** @returns where it lies */
  function append(body: Uint8Array): Pick<PartPlace, "file" | "offset" | "size"> {
    if (own.path === "") {
      own.path = claimPath(join(folder, "parts"), (free) => closeSync(openSync(free, "wx"))).path;
    }
    const placed = { file: basename(own.path), offset: own.bytes, size: body.length };
    // At its place rather than at the end: a write that failed half-way is written over.
    const file = openSync(own.path, "r+");
    try {
      writeAll(file, body, own.bytes);
    } finally {
      closeSync(file);
    }
    own.bytes += body.length;
    own.hash.update(body);
    return placed;
  }

  /** The whole as a scratch file: this writer's file, if it holds all parts, in order, and nothing else. */
  async function assemble(places: readonly PartPlace[]): Promise<{ readonly scratch: string; readonly etag: string }> {
    let end = 0;
    const follows = places.every(({ file, offset, size }) => {
      const isNext = file === basename(own.path) && offset === end;
      end += size;
      return isNext;
    });
    if (follows && end === own.bytes && statSync(own.path).size === end) {
      return { scratch: linkScratch(root, own.path), etag: own.hash.etag() };
    }
    let etag = "";
    const scratch = await writeScratch(root, async (file) => {
      etag = await joinParts(folder, places, file);
    });
    return { scratch, etag };
  }

  return {
    key,
    uploadId,
    async uploadPart(partNumber, body) {
      checkPartNumber(partNumber);
      await checkOpen();
      const part = { partNumber, etag: computeEtag(body) };
      const placed: PartPlace = { ...part, ...append(body) };
      writeFileSync(join(folder, String(partNumber)), JSON.stringify(placed));
      return part;
    },
    async complete(parts) {
      checkPartOrder(parts);
      await checkOpen();
      const { scratch, etag } = await assemble(findParts(folder, parts));
      const stored = await place(scratch, etag);
      await rm(folder, { recursive: true, force: true });
      if (stored.kind === "stored") return { etag: stored.etag };
      throw new ScoringError("conflict", `the upload of ${key} met another object`);
    },
    abort: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Where the parts lie, checked as S3 and R2 check them: known, equal and large enough. */
function findParts(folder: string, parts: readonly UploadedPart[]): readonly PartPlace[] {
  const places = parts.map(({ partNumber, etag }) => {
    const found = readPlace(folder, partNumber);
    if (found?.etag !== etag) throw refuseEtag(partNumber);
    return found;
  });
  const sizes = places.map(({ size }) => size);
  const partBytes = sizes[0] ?? 0;
  const unequal = sizes.slice(0, -1).some((size) => size < MIN_PART_BYTES || size !== partBytes);
  if (unequal || (sizes.at(-1) ?? 0) > partBytes) {
    throw new ScoringError(
      "validation_failed",
      "all parts but the last have one size, of at least 5 MiB; the last may be smaller",
    );
  }
  return places;
}

function readPlace(folder: string, partNumber: number): PartPlace | null {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written here, and nobody else may write there
    return JSON.parse(readFileSync(join(folder, String(partNumber)), "utf8")) as PartPlace;
  } catch (error) {
    if (readSystemCode(error) === "ENOENT") return null;
    throw error;
  }
}

const refuseEtag = (partNumber: number): ScoringError =>
  new ScoringError("validation_failed", `part ${partNumber} was not uploaded with this etag`);

/**
 * Writes the parts one after the other, checked against their etags. Each byte is read once, by synchronous calls.
 * @returns the etag of the whole
 */
async function joinParts(folder: string, places: readonly PartPlace[], to: number): Promise<string> {
  const whole = createEtagHash();
  for (const { partNumber, etag, file, offset, size } of places) {
    const own = createEtagHash();
    copyRange(join(folder, file), { offset, length: size }, to, (piece) => {
      own.update(piece);
      whole.update(piece);
    });
    if (own.etag() !== etag) throw refuseEtag(partNumber);
    // Whoever waits for this thread gets its turn.
    await setImmediate();
  }
  return whole.etag();
}
