/** Lines of a stream of bytes, bounded in length, each with where the next one begins. */

import { concatUint8Arrays } from "uint8array-extras";
import type { Piece } from "./range-reader.ts";

/** Where reading goes on: a byte, the 1-based number of the line there, and whether it lies within a line given up as too long. */
export interface LinePosition {
  readonly offset: number;
  readonly line: number;
  readonly skipping: boolean;
}

/**
 * - `line`: its bytes without the line end (LF or CRLF); `offset` of its first byte.
 * - `too_long`: the line at `line` is longer than allowed; its rest is skipped.
 * - `skipped`: a piece of such a line went by.
 */
export type Line = { readonly next: LinePosition } & (
  | { readonly kind: "line"; readonly bytes: Uint8Array; readonly offset: number; readonly line: number }
  | { readonly kind: "too_long"; readonly line: number }
  | { readonly kind: "skipped" }
);

/** Bytes of one ranged read for lines: a whole line of the allowed length fits, so that every read gets somewhere. */
export function computeLineWindow(limits: { readonly windowBytes: number; readonly maxLineBytes: number }): number {
  // Two bytes for the line end.
  return Math.max(limits.windowBytes, limits.maxLineBytes + 2);
}

const LF = 10;
const CR = 13;

/** The lines of `pieces`, which begin at `start`. An unfinished line at the end counts only if its piece is the last. */
export async function* readLines(
  pieces: AsyncIterable<Piece>,
  start: LinePosition,
  maxLineBytes: number,
): AsyncGenerator<Line> {
  let { offset, line, skipping } = start;
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const { bytes, last } of pieces) {
    let at = 0;
    while (at < bytes.length) {
      const end = bytes.indexOf(LF, at);
      const ended = end !== -1 || last;
      const piece = bytes.subarray(at, end === -1 ? bytes.length : end);
      at += piece.length + (end === -1 ? 0 : 1);
      if (skipping) {
        offset += piece.length + (end === -1 ? 0 : 1);
        if (ended) line += 1;
        skipping = !ended;
        yield { kind: "skipped", next: { offset, line, skipping } };
        continue;
      }
      held.push(piece);
      heldBytes += piece.length;
      if (heldBytes > maxLineBytes) {
        const number = line;
        offset += heldBytes + (end === -1 ? 0 : 1);
        if (ended) line += 1;
        skipping = !ended;
        yield { kind: "too_long", line: number, next: { offset, line, skipping } };
      } else if (ended) {
        const whole = held.length === 1 ? piece : concatUint8Arrays(held);
        const next = { offset: offset + heldBytes + (end === -1 ? 0 : 1), line: line + 1, skipping: false };
        const body = whole.at(-1) === CR ? whole.subarray(0, -1) : whole;
        yield { kind: "line", bytes: body, offset, line, next };
        ({ offset, line } = next);
      } else {
        continue;
      }
      held = [];
      heldBytes = 0;
    }
  }
}
