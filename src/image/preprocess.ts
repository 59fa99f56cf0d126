/** From a picture and a face to the 48×48 gray bytes of the network. Preprocessing steps 2 and 3, version 1. */

import type { Box, Raster } from "../model/face-finder.ts";
import { planResample, resampleColumns, resampleRow, type Coefficients } from "./resample.ts";

/** Side of the network's input. */
export const FACE_SIDE = 48;
/** Bytes of one face. */
export const FACE_BYTES = FACE_SIDE * FACE_SIDE;

/** A square of whole pixels; may reach past the border of its picture. */
export interface Square {
  readonly x: number;
  readonly y: number;
  readonly side: number;
}

/**
 * The square that is cut out.
 *
 * Without a box, the picture is a face crop by contract: its largest centered square (an odd pixel is dropped on the right
 * or at the bottom). With a box, the square around the box's center whose side is the longer one, rounded to whole
 * pixels, at least 1.
 */
export function squareOf(raster: Raster, box: Box | null): Square {
  if (box === null) {
    const side = Math.min(raster.width, raster.height);
    return { x: (raster.width - side) >> 1, y: (raster.height - side) >> 1, side };
  }
  const side = Math.max(1, Math.round(Math.max(box.width, box.height)));
  return {
    x: Math.round(box.x + box.width / 2 - side / 2),
    y: Math.round(box.y + box.height / 2 - side / 2),
    side,
  };
}

/**
 * Cuts out one face, turns it gray and resizes it.
 *
 * Gray is `(19595·R + 38470·G + 7471·B + 32768) >> 16`, Pillow's `convert("L")`. Where the square reaches past the border,
 * the nearest pixel of the border is repeated: a black bar would be an edge that no face has. Resizing is Pillow's
 * `BILINEAR` to the bit; a square of 48 pixels passes unchanged. Rows are turned gray and narrowed one at a time, so nothing
 * as large as the picture is made.
 *
 * @param box in pixels of `raster`; `null` for the whole picture
 * @returns 2304 bytes, row-major
 */
export function preprocessFace(raster: Raster, box: Box | null): Uint8Array {
  const square = squareOf(raster, box);
  const { side } = square;
  const { width, height, channels, data } = raster;
  // Most packed faces: nothing to cut, turn gray or narrow.
  if (
    channels === 1 &&
    width === FACE_SIDE &&
    height === FACE_SIDE &&
    square.x === 0 &&
    square.y === 0 &&
    side === width
  ) {
    return data.slice(0, FACE_BYTES);
  }
  const plan = side === FACE_SIDE ? null : planResample(side, FACE_SIDE);
  const narrow = new Uint8Array(side * FACE_SIDE);
  const row = new Uint8Array(side);
  for (let y = 0; y < side; y++) {
    const sourceY = clamp(square.y + y, raster.height);
    // Rows past the border repeat the border's: copy instead of computing again.
    if (y > 0 && sourceY === clamp(square.y + y - 1, raster.height)) {
      narrow.copyWithin(y * FACE_SIDE, (y - 1) * FACE_SIDE, y * FACE_SIDE);
      continue;
    }
    readGrayRow(raster, square.x, sourceY, row);
    putRow(row, plan, narrow, y * FACE_SIDE);
  }
  return plan === null ? narrow : resampleColumns(narrow, FACE_SIDE, plan);
}

function putRow(row: Uint8Array, plan: Coefficients | null, out: Uint8Array, at: number): void {
  if (plan === null) out.set(row, at);
  else resampleRow(row, plan, out, at);
}

/** Writes the gray of `row.length` pixels from column `x` of row `y`, repeating the first and the last pixel beyond the border. */
function readGrayRow(raster: Raster, x: number, y: number, row: Uint8Array): void {
  const { width, channels, data } = raster;
  const left = Math.min(Math.max(0, -x), row.length);
  const right = Math.max(left, Math.min(row.length, width - x));
  if (channels === 1) {
    const base = y * width + x;
    if (right > left) row.set(data.subarray(base + left, base + right), left);
  } else {
    let from = (y * width + x + left) * 3;
    for (let i = left; i < right; i++, from += 3) {
      row[i] = (19595 * data[from]! + 38470 * data[from + 1]! + 7471 * data[from + 2]! + 32768) >> 16;
    }
  }
  if (left > 0) row.fill(grayAt(raster, 0, y), 0, left);
  if (right < row.length) row.fill(grayAt(raster, width - 1, y), right);
  // A square wholly beside the picture sees one border only.
  if (x >= width) row.fill(grayAt(raster, width - 1, y));
}

function grayAt(raster: Raster, x: number, y: number): number {
  const { width, channels, data } = raster;
  const at = (y * width + x) * channels;
  if (channels === 1) return data[at] ?? 0;
  return (19595 * (data[at] ?? 0) + 38470 * (data[at + 1] ?? 0) + 7471 * (data[at + 2] ?? 0) + 32768) >> 16;
}

function clamp(position: number, length: number): number {
  return position < 0 ? 0 : position >= length ? length - 1 : position;
}
