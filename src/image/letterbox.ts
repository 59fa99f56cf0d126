/** A picture made to fit a network's input: resized with antialiasing, cut, the rest filled with gray. */

import type { Box, Raster } from "../model/face-finder.ts";
import { planResample, resampleColumns, resampleRgbRow, type Coefficients } from "./resample.ts";

/** What looks at a picture are made with; every engine of it gives the same bytes. */
export interface PixelTools {
  /** Means of four pixels; an odd last row or column is left out. */
  halve(raster: Raster): Raster;
  /** {@link resizeRgb}. */
  resize(raster: Raster, width: number, height: number, window?: Box): Uint8Array;
}

/** The reference. */
export const PLAIN_PIXELS: PixelTools = { halve: halveRaster, resize: resizeRgb };

/**
 * Resizes to RGB so that the longer side becomes `size`.
 * @param size in pixels; may enlarge
 */
export function fitRaster(raster: Raster, size: number, pixels: PixelTools = PLAIN_PIXELS): Raster {
  const factor = size / Math.max(raster.width, raster.height);
  const width = Math.max(1, Math.round(raster.width * factor));
  const height = Math.max(1, Math.round(raster.height * factor));
  return { width, height, channels: 3, data: pixels.resize(raster, width, height) };
}

/**
 * A picture, its half, its quarter and so on, each made when it is first wanted.
 * @returns finds the smallest whose longer side is at least `size`; the picture itself where it is smaller than that
 */
export function createHalves(raster: Raster, pixels: PixelTools = PLAIN_PIXELS): (size: number) => Raster {
  const halves = [raster];
  return (size) => {
    let at = 0;
    while (Math.max(halves[at]!.width, halves[at]!.height) >= 2 * size) {
      at++;
      if (at === halves.length) halves.push(pixels.halve(halves[at - 1]!));
    }
    return halves[at]!;
  };
}

/** Means of four pixels; an odd last row or column is left out. A tenth of the cost of resampling by two. */
function halveRaster({ width, height, channels, data }: Raster): Raster {
  const [columns, rows] = [Math.max(1, width >> 1), Math.max(1, height >> 1)];
  const half = new Uint8Array(columns * rows * channels);
  const right = width > 1 ? channels : 0;
  const below = height > 1 ? width * channels : 0;
  let to = 0;
  for (let y = 0; y < rows; y++) {
    let from = y * 2 * width * channels;
    for (let x = 0; x < columns; x++) {
      for (let c = 0; c < channels; c++, from++) {
        half[to++] = (data[from]! + data[from + right]! + data[from + below]! + data[from + below + right]! + 2) >> 2;
      }
      from += right;
    }
  }
  return { width: columns, height: rows, channels, data: half };
}

/** What lies around a picture in a network's input: the middle of its range. */
const GRAY = 128;

/**
 * Cuts a rectangle of whole pixels out of an RGB picture; what reaches past the border is gray.
 * @returns `width × height × 3` bytes
 */
export function cutRgb(raster: Raster, { x, y, width, height }: Box): Uint8Array {
  const cut = new Uint8Array(width * height * 3).fill(GRAY);
  const left = Math.max(0, x);
  const right = Math.min(raster.width, x + width);
  if (right <= left) return cut;
  for (let row = Math.max(0, y); row < Math.min(raster.height, y + height); row++) {
    const from = row * raster.width;
    cut.set(raster.data.subarray((from + left) * 3, (from + right) * 3), ((row - y) * width + left - x) * 3);
  }
  return cut;
}

/**
 * Antialiased bilinear resizing to RGB: rows are narrowed one at a time, so only the narrow rows are held.
 * @param window the part that is resized, whole pixels inside the picture; default all of it
 */
export function resizeRgb(raster: Raster, width: number, height: number, window: Box = wholeOf(raster)): Uint8Array {
  const across = window.width === width ? null : planResample(window.width, width);
  const narrow = new Uint8Array(window.height * width * 3);
  const { channels } = raster;
  for (let y = 0; y < window.height; y++) {
    const from = ((window.y + y) * raster.width + window.x) * channels;
    const row = raster.data.subarray(from, from + window.width * channels);
    if (channels === 3 && across === null) narrow.set(row, y * width * 3);
    else if (channels === 3 && across !== null) resampleRgbRow(row, across, narrow, y * width * 3);
    else narrowGray(row, across, narrow, y * width * 3);
  }
  return window.height === height ? narrow : resampleColumns(narrow, width * 3, planResample(window.height, height));
}

function wholeOf({ width, height }: Raster): Box {
  return { x: 0, y: 0, width, height };
}

const HALF = 1 << 21;

function narrowGray(row: Uint8Array, plan: Coefficients | null, out: Uint8Array, outAt: number): void {
  const length = plan === null ? row.length : plan.starts.length;
  for (let i = 0; i < length; i++) {
    let sum = HALF;
    if (plan === null) sum = row[i]! << 22;
    else {
      const start = plan.starts[i]!;
      for (let k = 0, w = i * plan.taps; k < plan.counts[i]!; k++, w++) sum += row[start + k]! * plan.weights[w]!;
    }
    const value = Math.min(255, sum >>> 22);
    out.fill(value, outAt + 3 * i, outAt + 3 * i + 3);
  }
}
