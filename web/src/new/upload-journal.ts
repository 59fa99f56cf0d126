/**
 * Which files of an upload have arrived, remembered in this browser: a page that was closed, or a machine that went to sleep, goes on
 * where it stopped once the same files are dropped again.
 */

import type { DroppedFile } from "./dropped-file.ts";

/** The part of `localStorage` that is used. */
export type JournalStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** An upload that did not become a job. */
export interface OpenUpload {
  readonly store: string;
  readonly prefix: string;
  /** When a file last arrived, ms since the epoch. */
  readonly atMs: number;
  /** Names of the files that arrived ({@link nameFile}). */
  readonly arrived: readonly string[];
}

const KEY = "countenance-upload";
/** After that the store may have been tidied up. */
const KEEP_MS = 3 * 86_400_000;
/** More than that would fill what a page may store; larger uploads begin again. */
const MAX_FILES = 100_000;

/** A file's name in the journal: changed files, and others of the same path, have another. 16 characters. */
export async function nameFile({ path, file }: DroppedFile): Promise<string> {
  const said = new TextEncoder().encode(`${path}\0${file.size}\0${file.lastModified}`);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", said)).slice(0, 12);
  return btoa(String.fromCharCode(...hash));
}

/** The journal of one browser. */
export type UploadJournal = ReturnType<typeof createJournal>;

/** The journal of one browser; where nothing can be stored, it is empty. */
export function createJournal(storage: JournalStorage, clock: () => number) {
  return {
    /** The last upload that did not become a job; `null` if there is none, or it is too old. */
    read(): OpenUpload | null {
      try {
        const value: unknown = JSON.parse(storage.getItem(KEY) ?? "null");
        return isOpenUpload(value) && value.atMs > clock() - KEEP_MS ? value : null;
      } catch {
        return null;
      }
    },
    /** Notes what has arrived by now, instead of what was noted before. */
    write({ store, prefix, arrived }: Omit<OpenUpload, "atMs">): void {
      try {
        if (arrived.length > MAX_FILES) storage.removeItem(KEY);
        else storage.setItem(KEY, JSON.stringify({ store, prefix, atMs: clock(), arrived }));
      } catch {
        // Full, or not allowed: the upload itself goes on.
      }
    },
    forget(): void {
      storage.removeItem(KEY);
    },
  };
}

/**
 * The files that an upload has already, of those that were dropped now. None where others lie there too: a job reads all of a prefix.
 */
export async function findArrived(upload: OpenUpload, files: readonly DroppedFile[]): Promise<readonly DroppedFile[]> {
  const arrived = new Set(upload.arrived);
  const names = await Promise.all(files.map(nameFile));
  const found = files.filter((_, index) => arrived.has(names[index] ?? ""));
  return found.length === arrived.size ? found : [];
}

function isOpenUpload(value: unknown): value is OpenUpload {
  if (typeof value !== "object" || value === null) return false;
  if (!("store" in value && "prefix" in value && "atMs" in value && "arrived" in value)) return false;
  const { store, prefix, atMs, arrived } = value;
  const isPlace = typeof store === "string" && typeof prefix === "string" && typeof atMs === "number";
  return isPlace && Array.isArray(arrived) && arrived.every((name) => typeof name === "string");
}
