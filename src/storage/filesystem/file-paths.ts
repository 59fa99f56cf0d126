/** Keys as paths below a folder, and back: what may be a file's name, and in which order a folder is walked (Node only). */

import { type Dirent, realpathSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, sep } from "node:path";
import { ScoringError } from "../../errors.ts";
import { checkKey, compareKeys } from "../key-rules.ts";

/** Folder below the root for unfinished writes; no key lies in it, no listing shows it. */
export const SCRATCH_FOLDER = ".countenance-unfinished";

/** Bytes of one file name on the usual file systems. */
const MAX_SEGMENT_BYTES = 255;

/**
 * The path of a key. Refused as `validation_failed`: empty, `.` and `..` segments (traversal), zero bytes, names that are too
 * long, the scratch folder, and backslashes where they separate folders.
 */
export function resolveKeyPath(root: string, key: string): string {
  const segments = checkKey(key).split("/");
  for (const segment of segments) {
    const traverses = segment === "" || segment === "." || segment === "..";
    const unsafe = segment.includes("\0") || (sep === "\\" && segment.includes("\\"));
    if (traverses || unsafe || Buffer.byteLength(segment) > MAX_SEGMENT_BYTES) {
      throw new ScoringError("validation_failed", `the key ${key} cannot be a file's path`);
    }
  }
  if (segments[0] === SCRATCH_FOLDER) {
    throw new ScoringError("validation_failed", `the folder ${SCRATCH_FOLDER} holds unfinished writes`);
  }
  return join(root, ...segments);
}

/** A check that throws `forbidden` if a symbolic link leads `path` out of `root`. `path` must exist. */
export function createInsideCheck(root: string): (path: string, key: string) => void {
  let base: string | null = null;
  return (path, key) => {
    // Resolved once it exists: the first put makes it.
    base ??= realpathSync.native(root);
    const real = realpathSync.native(path);
    if (real !== base && !real.startsWith(base.endsWith(sep) ? base : base + sep)) {
      throw new ScoringError("forbidden", `the key ${key} leads out of the folder`);
    }
  };
}

/** The `code` of a system error (`ENOENT` …), or an empty text. */
export function readSystemCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** Keys of the regular files below `root` with `prefix`, after `after`, in UTF-8 order. Symbolic links are left out. */
export async function* walkKeys(root: string, prefix: string, after: string | undefined): AsyncGenerator<string> {
  yield* walkFolder(root, "", prefix, after);
}

async function* walkFolder(
  root: string,
  base: string,
  prefix: string,
  after: string | undefined,
): AsyncGenerator<string> {
  // A folder sorts as its name with the slash that its keys have: `a.txt` comes before `a/b`.
  const named = (await readFolder(join(root, ...base.split("/")))).map((entry) => ({
    key: base + entry.name + (entry.isDirectory() ? "/" : ""),
    entry,
  }));
  for (const { key, entry } of named.toSorted((left, right) => compareKeys(left.key, right.key))) {
    if (entry.isDirectory()) {
      const wanted = key.startsWith(prefix) || prefix.startsWith(key);
      const passed = after !== undefined && compareKeys(key, after) < 0 && !after.startsWith(key);
      if (wanted && !passed && key !== `${SCRATCH_FOLDER}/`) yield* walkFolder(root, key, prefix, after);
    } else if (entry.isFile() && key.startsWith(prefix) && (after === undefined || compareKeys(key, after) > 0)) {
      yield key;
    }
  }
}

async function readFolder(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    // Deleted while it was walked, or a root that no put has made yet.
    if (readSystemCode(error) === "ENOENT") return [];
    throw error;
  }
}
