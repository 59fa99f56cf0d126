/** Bytes of files: hashing, streaming, and writing so that no reader sees half a file (Node only). */

import { createHash, type Hash } from "node:crypto";
import { createReadStream, readFileSync, statSync } from "node:fs";
import { type FileHandle, link, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SCRATCH_FOLDER, readSystemCode } from "./file-paths.ts";

/** Bytes of one read of a stream. */
const CHUNK_BYTES = 256 * 1024;

/** Files up to here are read at once, with one call; larger ones in pieces. */
const MAX_WHOLE_BYTES = 1024 * 1024;

/** What a store tells of a file, and its bytes where it is small enough to be read at once. */
export interface FileReading {
  readonly size: number;
  readonly etag: string;
  readonly bytes: Uint8Array | null;
}

/**
 * Computes etags; a file is hashed again only when its size, times or inode changed. Small files are read by synchronous calls:
 * each trip through libuv's pool costs several times the call itself, and who reads many files has a thread for each core.
 */
export interface FileHasher {
  /** @returns null if there is no regular file; its errors are those of the system */
  readonly hash: (path: string) => Promise<{ readonly size: number; readonly etag: string } | null>;
  /** As `hash`, with the bytes that the etag belongs to; `null` bytes above 1 MiB. */
  readonly read: (path: string) => Promise<FileReading | null>;
}

/** A hasher that remembers what it has read: SHA-256, its first 16 bytes in hex. */
export function createFileHasher(): FileHasher {
  const known = new Map<string, { readonly stamp: string; readonly etag: string }>();
  const hash: FileHasher["hash"] = async (path) => {
    const found = inspect(path);
    if (found === null) return null;
    const { size, stamp } = found;
    const last = known.get(path);
    if (last?.stamp === stamp) return { size, etag: last.etag };
    const etag = size <= MAX_WHOLE_BYTES ? readWhole(path).etag : await hashFile(path);
    known.set(path, { stamp, etag });
    return { size, etag };
  };
  return {
    hash,
    async read(path) {
      const found = inspect(path);
      if (found === null) return null;
      if (found.size <= MAX_WHOLE_BYTES) return readWhole(path);
      const hashed = await hash(path);
      return hashed === null ? null : { ...hashed, bytes: null };
    },
  };
}

/** Size and what else tells one content from another; null where there is no regular file. */
function inspect(path: string): { readonly size: number; readonly stamp: string } | null {
  const status = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (status?.isFile() !== true) return null;
  const { size, mtimeNs, ctimeNs, ino } = status;
  return { size: Number(size), stamp: `${size}:${mtimeNs}:${ctimeNs}:${ino}` };
}

function readWhole(path: string): FileReading & { readonly bytes: Uint8Array } {
  const bytes = new Uint8Array(readFileSync(path));
  return { size: bytes.length, etag: shortenHash(createHash("sha256").update(bytes)), bytes };
}

/** SHA-256 of a file, its first 16 bytes in hex, read in pieces. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return shortenHash(hash);
}

const shortenHash = (hash: Hash): string => hash.digest("hex").slice(0, 32);

/** Bytes `[offset, offset + length)` of a file. It is opened at the first read, so a body that nobody reads holds no descriptor. */
export function streamFile(path: string, offset: number, length: number): ReadableStream<Uint8Array> {
  let handle: FileHandle | null = null;
  let at = offset;
  const end = offset + length;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (at < end) {
          handle ??= await open(path, "r");
          const { bytesRead, buffer } = await handle.read(new Uint8Array(Math.min(CHUNK_BYTES, end - at)), 0, null, at);
          at += bytesRead;
          if (bytesRead > 0) return controller.enqueue(buffer.subarray(0, bytesRead));
        }
        await handle?.close();
        controller.close();
      },
      cancel: async () => handle?.close(),
    },
    { highWaterMark: 0 },
  );
}

/** A new file in the scratch folder, filled by `write`; the caller moves it to its place. */
export async function writeScratch(root: string, write: (handle: FileHandle) => Promise<void>): Promise<string> {
  const folder = join(root, SCRATCH_FOLDER);
  await mkdir(folder, { recursive: true });
  for (let number = 0; ; number++) {
    const path = join(folder, `put-${process.pid}-${number}`);
    try {
      const handle = await open(path, "wx");
      try {
        await write(handle);
      } finally {
        await handle.close();
      }
      return path;
    } catch (error) {
      if (readSystemCode(error) !== "EEXIST") throw error;
    }
  }
}

/** Moves a scratch file to `path`: always, or only where nothing is yet. False if something was. Atomic either way. */
export async function placeFile(scratch: string, path: string, createOnly: boolean): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true });
  if (!createOnly) {
    await rename(scratch, path);
    return true;
  }
  try {
    // A hard link, unlike a rename, never replaces.
    await link(scratch, path);
    return true;
  } catch (error) {
    if (readSystemCode(error) === "EEXIST") return false;
    throw error;
  } finally {
    await rm(scratch, { force: true });
  }
}
