/** What every adapter agrees on about keys: their order, their length, and where the next page of a listing begins. */

import { ScoringError } from "../errors.ts";

/** Longest key of S3 and R2, in UTF-8 bytes. */
export const MAX_KEY_BYTES = 1024;

/** Most keys of one listing page or one delete (S3 and R2 rule). */
export const MAX_PAGE_KEYS = 1000;

/** Smallest size of any part but the last of a multipart upload, bytes (S3 and R2 rule). */
export const MIN_PART_BYTES = 5 * 1024 * 1024;

/** Highest part number (S3 and R2 rule). */
export const MAX_PARTS = 10_000;

const SURROGATE_SHIFT = 0x2000;

/** Moves UTF-16 units so that comparing them compares code points: surrogates (D800–DFFF) go above E000–FFFF. */
function rankUnit(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + SURROGATE_SHIFT : unit - 0x800;
}

/**
 * Order of two keys by their UTF-8 bytes (as S3 and R2 list), negative when `a` comes first.
 * JavaScript's `<` compares UTF-16 units, which puts U+1F600 before U+FF5E; the stores do not.
 */
export function compareKeys(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left !== right) return rankUnit(left) - rankUnit(right);
  }
  return a.length - b.length;
}

/** Length of a string in UTF-8 bytes, without encoding it. */
export function countUtf8Bytes(text: string): number {
  let bytes = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    // Each half of a surrogate pair counts two: four together.
    else if (unit >= 0xd800 && unit < 0xe000) bytes += 2;
    else bytes += 3;
  }
  return bytes;
}

/** The key itself, or a `validation_failed` error: 1 to 1,024 UTF-8 bytes, no lone surrogate. */
export function checkKey(key: string): string {
  if (key.length === 0) throw new ScoringError("validation_failed", "an object key is empty");
  if (!key.isWellFormed()) throw new ScoringError("validation_failed", "an object key is not valid Unicode");
  if (countUtf8Bytes(key) > MAX_KEY_BYTES) {
    throw new ScoringError(
      "validation_failed",
      `An object key is longer than ${MAX_KEY_BYTES} bytes: ${key.slice(0, 40)}…`,
    );
  }
  return key;
}

/** The keys of one delete call, checked: at most 1,000. */
export function checkDeleteKeys(keys: readonly string[]): readonly string[] {
  if (keys.length > MAX_PAGE_KEYS) {
    throw new ScoringError("validation_failed", `one call deletes at most ${MAX_PAGE_KEYS} keys, not ${keys.length}`);
  }
  for (const key of keys) checkKey(key);
  return keys;
}

/** Size of a listing page: what is asked for, held between 1 and 1,000. */
export function clampPageSize(limit: number | undefined): number {
  if (limit === undefined) return MAX_PAGE_KEYS;
  return Math.max(1, Math.min(MAX_PAGE_KEYS, Math.floor(limit)));
}

const CURSOR_MARK = "after:";

/** A listing cursor that holds the last key given out: it survives deletions, since the key need no longer exist. */
export function formatKeyCursor(lastKey: string): string {
  return CURSOR_MARK + encodeURIComponent(lastKey);
}

/** The key of {@link formatKeyCursor}, or a `validation_failed` error for a cursor of another kind. */
export function parseKeyCursor(cursor: string): string {
  try {
    if (cursor.startsWith(CURSOR_MARK)) return decodeURIComponent(cursor.slice(CURSOR_MARK.length));
  } catch {
    // Falls through to the error below: a broken escape is a foreign cursor too.
  }
  throw new ScoringError("validation_failed", "the listing cursor was not made by this store");
}

/** Checks the order and the numbers of the parts that a multipart upload is completed with. */
export function checkPartOrder(parts: readonly { readonly partNumber: number }[]): void {
  if (parts.length === 0) throw new ScoringError("validation_failed", "a multipart upload needs at least one part");
  let last = 0;
  for (const { partNumber } of parts) {
    if (partNumber <= last) throw new ScoringError("validation_failed", "parts must be completed in ascending order");
    last = partNumber;
  }
}

/** The part number itself, or a `validation_failed` error outside 1 to 10,000. */
export function checkPartNumber(partNumber: number): number {
  if (Number.isInteger(partNumber) && partNumber >= 1 && partNumber <= MAX_PARTS) return partNumber;
  throw new ScoringError("validation_failed", `a part number is 1 to ${MAX_PARTS}, not ${partNumber}`);
}

/**
 * Bytes of an object that a range reads: `offset` up to the object's end.
 * A range that starts at or after the end is `input_invalid` (HTTP 416 in the S3 protocol).
 */
export function resolveRange(
  key: string,
  size: number,
  range: { readonly offset: number; readonly length: number },
): { readonly offset: number; readonly length: number } {
  if (range.offset < 0 || range.length < 1 || range.offset >= size) throw rangeError(key);
  return { offset: range.offset, length: Math.min(range.length, size - range.offset) };
}

/** The error for a range that starts beyond the end of an object or is empty. */
export function rangeError(key: string): ScoringError {
  return new ScoringError("input_invalid", `the byte range does not lie within the object ${key}`);
}
