/** From a picture and a face to the bytes that a network takes. Preprocessing steps 2 and 3, version 1. */

import type { Box, Raster } from "../model/face-finder.ts";
import { countChannels, countInputBytes, GRAY_48, type InputForm } from "../model/input-form.ts";
import { type Coefficients, planResample, resampleColumns, resampleRgbRow, resampleRow } from "./resample.ts";

/** Side of a face of {@link GRAY_48}. */
export const FACE_SIDE = GRAY_48.size;
/** Its bytes. */
export const FACE_BYTES = FACE_SIDE * FACE_SIDE;

/** What of a model's input the pixels depend on. */
export type PixelForm = Pick<InputForm, "size" | "color">;

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
 * Cuts out one face, turns it gray where the network wants it so, and resizes it.
 *
 * Gray is `(19595·R + 38470·G + 7471·B + 32768) >> 16`, Pillow's `convert("L")`. Where the square reaches past the border,
 * the nearest pixel of the border is repeated: a black bar would be an edge that no face has. Resizing is Pillow's
 * `BILINEAR` to the bit; a square of the input's size passes unchanged. Rows are turned gray and narrowed one at a time, so
 * nothing as large as the picture is made.
 *
 * @param box in pixels of `raster`; `null` for the whole picture
 * @returns rows of pixels, channels together: {@link countInputBytes} bytes
 */
export function preprocessFace(raster: Raster, box: Box | null, form: PixelForm = GRAY_48): Uint8Array {
  const square = squareOf(raster, box);
  const { side } = square;
  const { size } = form;
  const { width, height } = raster;
  const depth = countChannels(form);
  // Most packed faces: nothing to cut, turn gray or narrow.
  if (
    raster.channels === 1 &&
    depth === 1 &&
    width === size &&
    height === size &&
    square.x === 0 &&
    square.y === 0 &&
    side === width
  ) {
    return raster.data.slice(0, countInputBytes(form));
  }
  const plan = side === size ? null : planResample(side, size);
  const line = size * depth;
  const narrow = new Uint8Array(side * line);
  const row = new Uint8Array(side * depth);
  const readRow = ROW_READERS[form.color];
  for (let y = 0; y < side; y++) {
    const sourceY = clamp(square.y + y, raster.height);
    // Rows past the border repeat the border's: copy instead of computing again.
    if (y > 0 && sourceY === clamp(square.y + y - 1, raster.height)) {
      narrow.copyWithin(y * line, (y - 1) * line, y * line);
      continue;
    }
    readRow(raster, square.x, sourceY, row);
    putRow(row, plan, narrow, y * line, depth);
  }
  return plan === null ? narrow : resampleColumns(narrow, line, plan);
}

function putRow(row: Uint8Array, plan: Coefficients | null, out: Uint8Array, at: number, depth: 1 | 3): void {
  if (plan === null) out.set(row, at);
  else if (depth === 1) resampleRow(row, plan, out, at);
  else resampleRgbRow(row, plan, out, at);
}

const ROW_READERS = {
  gray: readGrayRow,
  rgb: (raster: Raster, x: number, y: number, row: Uint8Array) => readColorRow(raster, x, y, row, [0, 1, 2]),
  bgr: (raster: Raster, x: number, y: number, row: Uint8Array) => readColorRow(raster, x, y, row, [2, 1, 0]),
};

/** Writes the three channels of `row.length ÷ 3` pixels, those beyond the border as {@link readGrayRow} does. */
function readColorRow(
  { width, channels, data }: Raster,
  x: number,
  y: number,
  row: Uint8Array,
  order: readonly [number, number, number],
): void {
  const [first, second, third] = channels === 1 ? ([0, 0, 0] as const) : order;
  for (let at = 0, column = x; at < row.length; at += 3, column++) {
    const from = (y * width + clamp(column, width)) * channels;
    row[at] = data[from + first]!;
    row[at + 1] = data[from + second]!;
    row[at + 2] = data[from + third]!;
  }
}

/** The gray of every pixel of a color face, by the rule of {@link preprocessFace}. */
export function toGray(pixels: Uint8Array, { size, color }: PixelForm): Uint8Array {
  const [red, blue] = color === "bgr" ? [2, 0] : [0, 2];
  return Uint8Array.from({ length: size * size }, (_, i) => {
    const at = 3 * i;
    return (19595 * pixels[at + red]! + 38470 * pixels[at + 1]! + 7471 * pixels[at + blue]! + 32768) >> 16;
  });
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
