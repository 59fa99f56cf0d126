/**
 * The ObjectStore of a folder, for the command line (Node only). A key is a relative path with `/`. Etags are content hashes, so
 * they survive copies and a `touch`; a listing therefore reads every file once.
 *
 * Where a file system cannot do what object storage can, the answer is `validation_failed`: keys with empty or dot segments, names
 * over 255 bytes, and a key that is a folder of other keys.
 */

import { rm, stat } from "node:fs/promises";
import { ScoringError } from "../../errors.ts";
import { streamBytes } from "../bytes.ts";
import {
  computeEtag,
  createFileHasher,
  type EtagMemory,
  placeFile,
  readRange,
  streamFile,
  writeAll,
  writeScratch,
} from "./file-content.ts";
import { createInsideCheck, readSystemCode, resolveKeyPath, walkKeys } from "./file-paths.ts";
import { createFileUpload, openFileUpload } from "./file-upload.ts";
import { checkDeleteKeys, clampPageSize, formatKeyCursor, parseKeyCursor, resolveRange } from "../key-rules.ts";
import type { GetOptions, ObjectInfo, ObjectStore, PutResult } from "../object-store.ts";

/**
 * A store in the folder `root`, which is made by the first put. Create-only puts are atomic among all processes; an overwrite with
 * `ifMatch` is atomic within this one.
 * @param memory shared by the threads that read the same folder
 */
export function createFilesystemStore(root: string, memory?: EtagMemory): ObjectStore {
  const hasher = createFileHasher(memory);
  const checkInside = createInsideCheck(root);
  let lastWrite: Promise<unknown> = Promise.resolve();

  /**
   * Where the last page ended: walking a large folder from its start for every page would take time with the square of its size. A write
   * by this store ends it; what other programs add after the cursor may be seen or not, as by any reader of a folder.
   */
  let openWalk: { readonly prefix: string; readonly after: string; readonly walk: AsyncGenerator<string> } | null =
    null;

  function takeWalk(prefix: string, after: string | undefined): AsyncGenerator<string> {
    const open = openWalk;
    if (open === null || open.prefix !== prefix || open.after !== after) return walkKeys(root, prefix, after);
    // One page continues with it: another that asks the same starts over.
    openWalk = null;
    return open.walk;
  }

  /** Runs a reading of the file at `key`; null where there is none. */
  async function inspect<T>(key: string, read: (path: string) => Promise<T | null>): Promise<T | null> {
    const path = resolveKeyPath(root, key);
    try {
      const found = await read(path);
      if (found !== null) checkInside(path, key);
      return found;
    } catch (error) {
      if (["ENOENT", "ENOTDIR", "EISDIR"].includes(readSystemCode(error))) return null;
      throw error;
    }
  }

  async function describe(key: string): Promise<ObjectInfo | null> {
    const found = await inspect(key, hasher.hash);
    return found === null ? null : { key, ...found };
  }

  /** What both ways of reading begin with; `bytes` are those of the range where the file is small. */
  async function openFile(key: string, options: GetOptions) {
    if (options.versionId !== undefined) {
      throw new ScoringError("version_unsupported", "folders have no object versions");
    }
    const found = await inspect(key, hasher.read);
    if (found === null) return { kind: "missing" } as const;
    const { size, etag, bytes } = found;
    if (options.ifMatch !== undefined && options.ifMatch !== etag) return { kind: "changed" } as const;
    const whole = { offset: 0, length: size };
    const range = size === 0 && options.range === undefined ? whole : resolveRange(key, size, options.range ?? whole);
    const own = bytes?.subarray(range.offset, range.offset + range.length) ?? null;
    return { kind: "found", info: { key, size, etag } satisfies ObjectInfo, range, bytes: own } as const;
  }

  /** One write after the other: what `ifMatch` has seen must hold until the file is in its place. */
  async function inTurn<T>(write: () => Promise<T>): Promise<T> {
    const turn = lastWrite.then(write, write);
    lastWrite = turn;
    return turn;
  }

  async function place(scratch: string, key: string, etag: string, createOnly: boolean): Promise<PutResult> {
    const path = resolveKeyPath(root, key);
    openWalk = null;
    try {
      if (!placeFile(scratch, path, createOnly)) {
        if ((await stat(path)).isDirectory()) throw folderError(key);
        return { kind: "conflict" };
      }
      checkInside(path, key);
      return { kind: "stored", etag };
    } catch (error) {
      await rm(scratch, { force: true });
      if (["EISDIR", "ENOTDIR", "EEXIST", "ENOTEMPTY"].includes(readSystemCode(error))) throw folderError(key);
      throw error;
    }
  }

  return {
    capabilities: { versions: false },
    head: describe,
    async get(key, options = {}) {
      const found = await openFile(key, options);
      if (found.kind !== "found") return found;
      const { info, range, bytes } = found;
      const body = bytes === null ? streamFile(resolveKeyPath(root, key), range) : streamBytes(bytes);
      return { kind: "found", info, body };
    },
    async read(key, options) {
      const found = await openFile(key, options);
      if (found.kind !== "found") return found;
      const { info, range, bytes } = found;
      if (range.length > options.maxBytes) return { kind: "too_large", info };
      return { kind: "found", info, bytes: bytes ?? readRange(resolveKeyPath(root, key), range) };
    },
    async put(key, body, options = {}) {
      resolveKeyPath(root, key);
      const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
      const scratch = await writeScratch(root, (file) => writeAll(file, bytes));
      return inTurn(async () => {
        if (options.ifMatch !== undefined && (await describe(key))?.etag !== options.ifMatch) {
          await rm(scratch, { force: true });
          return { kind: "conflict" };
        }
        return place(scratch, key, computeEtag(bytes), options.ifNoneMatch !== undefined);
      });
    },
    async list({ prefix, cursor, startAfter, limit }) {
      const after = cursor === undefined ? startAfter : parseKeyCursor(cursor);
      const pageSize = clampPageSize(limit);
      const objects: ObjectInfo[] = [];
      const walk = takeWalk(prefix, after);
      for (let step = await walk.next(); step.done !== true; step = await walk.next()) {
        const info = await describe(step.value);
        if (info === null) continue;
        objects.push(info);
        if (objects.length < pageSize) continue;
        const { key } = info;
        // A full page may be the last: only another key tells.
        const peeked = await walk.next();
        if (peeked.done === true) break;
        openWalk = { prefix, after: key, walk: resume(peeked.value, walk) };
        return { objects, cursor: formatKeyCursor(key) };
      }
      return { objects };
    },
    async delete(keys) {
      openWalk = null;
      const paths = checkDeleteKeys(keys).map((key) => ({ key, path: resolveKeyPath(root, key) }));
      for (const { key, path } of paths) if ((await describe(key)) !== null) await rm(path, { force: true });
    },
    createMultipart: (key) =>
      createFileUpload(root, key, (scratch, etag) => inTurn(() => place(scratch, key, etag, false))),
    resumeMultipart: (key, uploadId) =>
      openFileUpload(root, key, uploadId, (scratch, etag) => inTurn(() => place(scratch, key, etag, false))),
  };
}

async function* resume(first: string, rest: AsyncGenerator<string>): AsyncGenerator<string> {
  yield first;
  yield* rest;
}

function folderError(key: string): ScoringError {
  return new ScoringError("validation_failed", `the key ${key} is a folder of other keys, or lies below a file`);
}
