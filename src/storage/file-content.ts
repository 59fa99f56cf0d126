/** Bytes of files: hashing, streaming, and writing so that no reader sees half a file (Node only). */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, link, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SCRATCH_FOLDER, readSystemCode } from "./file-paths.ts";

/** Bytes of one read of a stream. */
const CHUNK_BYTES = 256 * 1024;

/** Computes etags; a file is read again only when its size, times or inode changed. */
export interface FileHasher {
  hash(path: string): Promise<{ readonly size: number; readonly etag: string }>;
}

/** A hasher that remembers what it has read: SHA-256, its first 16 bytes in hex. */
export function createFileHasher(): FileHasher {
  const known = new Map<string, { readonly stamp: string; readonly etag: string }>();
  return {
    async hash(path) {
      const { size, mtimeNs, ctimeNs, ino } = await stat(path, { bigint: true });
      const stamp = `${size}:${mtimeNs}:${ctimeNs}:${ino}`;
      let etag = known.get(path)?.stamp === stamp ? known.get(path)?.etag : undefined;
      if (etag === undefined) {
        etag = await hashFile(path);
        known.set(path, { stamp, etag });
      }
      return { size: Number(size), etag };
    },
  };
}

/** SHA-256 of a file, its first 16 bytes in hex, read in pieces. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex").slice(0, 32);
}

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
