/** Bytes of files: hashing, streaming, and writing so that no reader sees half a file (Node only). */

import { createHash } from "node:crypto";
import {
  closeSync,
  createReadStream,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ScoringError } from "../../errors.ts";
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
 * Computes etags; a large file is hashed again only when its size, times or inode changed. Small files are read by synchronous
 * calls: each trip through libuv's pool costs several times the call itself, and whoever reads many files has a thread per core.
 */
export interface FileHasher {
  /** @returns null if there is no regular file; its errors are those of the system */
  readonly hash: (path: string) => Promise<{ readonly size: number; readonly etag: string } | null>;
  /** As `hash`, with the bytes that the etag belongs to; `null` bytes above 1 MiB. */
  readonly read: (path: string) => Promise<FileReading | null>;
}

/** Etags of large files that other threads have hashed, by path and stamp: a large file is read for its etag once, not once per thread. */
export interface EtagMemory {
  readonly recallEtag: (file: string) => Promise<string | null>;
  readonly rememberEtag: (file: string, etag: string) => Promise<void>;
}

/** How many etags are remembered: those of the largest folders would fill the memory. */
const MAX_REMEMBERED = 10_000;

/** A memory of the newest 10,000. */
export function createEtagMemory(): EtagMemory {
  const etags = new Map<string, string>();
  return {
    recallEtag: async (file) => etags.get(file) ?? null,
    async rememberEtag(file, etag) {
      for (const oldest of etags.keys()) {
        if (etags.size < MAX_REMEMBERED) break;
        etags.delete(oldest);
      }
      etags.set(file, etag);
    },
  };
}

/**
 * A hasher that remembers the large files that it has read: SHA-256, its first 16 bytes in hex.
 * @param shared asked once for each file that others may have read
 */
export function createFileHasher(shared?: EtagMemory): FileHasher {
  const memory = createEtagMemory();
  const hash: FileHasher["hash"] = async (path) => {
    const found = inspect(path);
    if (found === null) return null;
    const { size, stamp } = found;
    if (size <= MAX_WHOLE_BYTES) return { size, etag: readWhole(path).etag };
    const file = `${stamp} ${path}`;
    const known = await memory.recallEtag(file);
    if (known !== null) return { size, etag: known };
    const told = (await shared?.recallEtag(file)) ?? null;
    const etag = told ?? (await hashFile(path));
    await memory.rememberEtag(file, etag);
    if (told === null) await shared?.rememberEtag(file, etag);
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
  return { size: bytes.length, etag: computeEtag(bytes), bytes };
}

/** The etag of a file with these bytes. */
export function computeEtag(bytes: Uint8Array): string {
  const hash = createEtagHash();
  hash.update(bytes);
  return hash.etag();
}

/** An etag under way: SHA-256, its first 16 bytes in hex. */
export function createEtagHash(): { update(bytes: Uint8Array): void; etag(): string } {
  const hash = createHash("sha256");
  return { update: (bytes) => void hash.update(bytes), etag: () => hash.copy().digest("hex").slice(0, 32) };
}

/** The etag of a file that is read in pieces. */
async function hashFile(path: string): Promise<string> {
  const hash = createEtagHash();
  for await (const piece of createReadStream(path, { highWaterMark: MAX_WHOLE_BYTES })) hash.update(piece);
  return hash.etag();
}

/** Bytes `[offset, offset + length)` of a file. */
export interface FileRange {
  readonly offset: number;
  readonly length: number;
}

/** A range at once, by synchronous calls, as small files are read. @throws ScoringError `store_short_read` if the file ends before it */
export function readRange(path: string, range: FileRange): Uint8Array {
  const file = openSync(path, "r");
  try {
    const bytes = new Uint8Array(range.length);
    for (let filled = 0; filled < bytes.length;) {
      const read = readSync(file, bytes, filled, bytes.length - filled, range.offset + filled);
      if (read === 0) throw shortRead(path);
      filled += read;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}

const shortRead = (path: string): ScoringError =>
  new ScoringError("store_short_read", `the file ${path} ended before its range did`);

/** Appends a range of the file at `path` to an open one; `seen` is given each piece, for as long as the call. */
export function copyRange(path: string, range: FileRange, to: number, seen: (piece: Uint8Array) => void): void {
  const from = openSync(path, "r");
  try {
    const buffer = new Uint8Array(Math.min(MAX_WHOLE_BYTES, range.length));
    for (let copied = 0; copied < range.length;) {
      const want = Math.min(buffer.length, range.length - copied);
      const read = readSync(from, buffer, 0, want, range.offset + copied);
      if (read === 0) throw shortRead(path);
      const piece = buffer.subarray(0, read);
      seen(piece);
      writeAll(to, piece);
      copied += read;
    }
  } finally {
    closeSync(from);
  }
}

/** A range as it is read. The file is opened at the first read, so a body that nobody reads holds no descriptor. */
export function streamFile(path: string, { offset, length }: FileRange): ReadableStream<Uint8Array> {
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

/** The first of `<stem>-0`, `<stem>-1` … that nobody has: `claim` makes it, and throws `EEXIST` where something is. */
export function claimPath<T>(stem: string, claim: (path: string) => T): { readonly path: string; readonly claimed: T } {
  for (let number = 0; ; number++) {
    const path = `${stem}-${number}`;
    try {
      return { path, claimed: claim(path) };
    } catch (error) {
      if (readSystemCode(error) !== "EEXIST") throw error;
    }
  }
}

/** Where scratch files of this process lie. */
function makeScratchStem(root: string): string {
  const folder = join(root, SCRATCH_FOLDER);
  mkdirSync(folder, { recursive: true });
  return join(folder, `put-${process.pid}`);
}

/**
 * A new file in the scratch folder, filled by `write`; the caller moves it to its place. By synchronous calls, as small files are read:
 * where all cores are busy, each trip through libuv's pool waits for a core.
 */
export async function writeScratch(root: string, write: (file: number) => void | Promise<void>): Promise<string> {
  const { path, claimed: file } = claimPath(makeScratchStem(root), (free) => openSync(free, "wx"));
  try {
    await write(file);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  return path;
}

/** Another name for the file at `path`, in the scratch folder. */
export function linkScratch(root: string, path: string): string {
  return claimPath(makeScratchStem(root), (free) => linkSync(path, free)).path;
}

/** Writes all of `bytes` to an open file, after its last write or at `position`. */
export function writeAll(file: number, bytes: Uint8Array, position?: number): void {
  for (let written = 0; written < bytes.length;) {
    const at = position === undefined ? null : position + written;
    written += writeSync(file, bytes, written, bytes.length - written, at);
  }
}

/** Moves a scratch file to `path`: always, or only where nothing is yet. False if something was. Atomic either way. */
export function placeFile(scratch: string, path: string, createOnly: boolean): boolean {
  mkdirSync(dirname(path), { recursive: true });
  if (!createOnly) {
    renameSync(scratch, path);
    return true;
  }
  try {
    // A hard link, unlike a rename, never replaces.
    linkSync(scratch, path);
    return true;
  } catch (error) {
    if (readSystemCode(error) === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(scratch, { force: true });
  }
}
