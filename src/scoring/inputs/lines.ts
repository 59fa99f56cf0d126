/** Lines of a stream of bytes, bounded in length, each with where the next one begins. */

import { concatUint8Arrays } from "uint8array-extras";
import type { Piece } from "./range-reader.ts";

/** Where reading continues: a byte, the 1-based number of the line there, and whether it lies within a line given up as too long. */
export interface LinePosition {
  readonly offset: number;
  readonly line: number;
  readonly skipping: boolean;
}

/**
 * - `line`: its bytes without the line end (LF, CRLF, or CR alone as old Macs and some exports write it); `offset` of its first byte.
 * - `too_long`: the line at `line` is longer than allowed; its rest is skipped.
 * - `skipped`: a piece of such a line went by.
 */
export type Line = { readonly next: LinePosition } & (
  | { readonly kind: "line"; readonly bytes: Uint8Array; readonly offset: number; readonly line: number }
  | { readonly kind: "too_long"; readonly line: number }
  | { readonly kind: "skipped" }
);

/** Bytes of one ranged read for lines: a whole line of the allowed length fits, so that every read makes progress. */
export function computeLineWindow(limits: { readonly windowBytes: number; readonly maxLineBytes: number }): number {
  // Two bytes for the line end.
  return Math.max(limits.windowBytes, limits.maxLineBytes + 2);
}

const LF = 10;
const CR = 13;

/** The lines of `pieces`, which begin at `start`. An unfinished line at the end counts only in the last piece. */
export async function* readLines(
  pieces: AsyncIterable<Piece>,
  start: LinePosition,
  maxLineBytes: number,
): AsyncGenerator<Line> {
  let { offset, line, skipping } = start;
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  // A CR ended the previous piece: this piece shows whether an LF belongs to it.
  let openCr = false;
  for await (const { bytes, last } of pieces) {
    const findEnd = createEndFinder(bytes);
    for (let at = 0; at < bytes.length;) {
      const end: number = openCr ? at : findEnd(at);
      const piece = bytes.subarray(at, end);
      const endBytes: number = openCr ? 1 + Number(bytes[end] === LF) : countEndBytes(bytes, end);
      at = openCr ? end + endBytes - 1 : end + endBytes;
      openCr = !openCr && !last && endBytes === 1 && at === bytes.length && bytes[end] === CR;
      const ended = openCr ? false : endBytes > 0 || last;
      const ending = ended ? endBytes : 0;
      if (skipping) {
        offset += piece.length + ending;
        if (ended) line += 1;
        skipping = !ended;
        yield { kind: "skipped", next: { offset, line, skipping } };
        continue;
      }
      held.push(piece);
      heldBytes += piece.length;
      if (heldBytes > maxLineBytes) {
        const number = line;
        offset += heldBytes + ending;
        if (ended) line += 1;
        skipping = !ended;
        yield { kind: "too_long", line: number, next: { offset, line, skipping } };
      } else if (ended) {
        const whole = held.length === 1 ? piece : concatUint8Arrays(held);
        const next = { offset: offset + heldBytes + ending, line: line + 1, skipping: false };
        yield { kind: "line", bytes: whole, offset, line, next };
        ({ offset, line } = next);
      } else {
        continue;
      }
      held = [];
      heldBytes = 0;
    }
  }
}

/** Finds the next LF or CR from a place that only moves on; the length if there is none. Each is searched for once. */
function createEndFinder(bytes: Uint8Array): (from: number) => number {
  const next = { [LF]: -1, [CR]: -1 };
  const find = (byte: typeof LF | typeof CR, from: number): number => {
    if (next[byte] < from) {
      const found = bytes.indexOf(byte, from);
      next[byte] = found === -1 ? bytes.length : found;
    }
    return next[byte];
  };
  return (from) => Math.min(find(LF, from), find(CR, from));
}

/** Bytes of the line end at `at`: 2 for CRLF, 1 for LF or CR, 0 for none. */
function countEndBytes(bytes: Uint8Array, at: number): number {
  if (at >= bytes.length) return 0;
  return bytes[at] === CR && bytes[at + 1] === LF ? 2 : 1;
}
