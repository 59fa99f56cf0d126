/** A picture made to fit a network's input: resized with antialiasing, the rest filled with black. */

import type { Raster } from "../model/face-finder.ts";
import { planResample, resampleColumns, type Coefficients } from "./resample.ts";

/**
 * Resizes to RGB so that the longer side becomes `size`.
 * @param size in pixels; may enlarge
 */
export function fitRaster(raster: Raster, size: number): Raster {
  const factor = size / Math.max(raster.width, raster.height);
  const width = Math.max(1, Math.round(raster.width * factor));
  const height = Math.max(1, Math.round(raster.height * factor));
  return { width, height, channels: 3, data: resizeRgb(raster, width, height) };
}

/** Puts an RGB picture at the top left of a larger black one. @returns `width × height × 3` bytes */
export function padRgb(raster: Raster, width: number, height: number): Uint8Array {
  if (raster.width === width && raster.height === height) return raster.data;
  const padded = new Uint8Array(width * height * 3);
  const rowBytes = raster.width * 3;
  for (let y = 0; y < raster.height; y++) {
    padded.set(raster.data.subarray(y * rowBytes, (y + 1) * rowBytes), y * width * 3);
  }
  return padded;
}

/** Antialiased bilinear resizing to RGB: rows are narrowed one at a time, so only the narrow rows are held. */
export function resizeRgb(raster: Raster, width: number, height: number): Uint8Array {
  const across = raster.width === width ? null : planResample(raster.width, width);
  const narrow = new Uint8Array(raster.height * width * 3);
  const rowBytes = raster.width * raster.channels;
  for (let y = 0; y < raster.height; y++) {
    const row = raster.data.subarray(y * rowBytes, (y + 1) * rowBytes);
    if (raster.channels === 3 && across === null) narrow.set(row, y * width * 3);
    else if (raster.channels === 3 && across !== null) narrowRgb(row, across, narrow, y * width * 3);
    else narrowGrey(row, across, narrow, y * width * 3);
  }
  return raster.height === height ? narrow : resampleColumns(narrow, width * 3, planResample(raster.height, height));
}

const HALF = 1 << 21;

function narrowRgb(row: Uint8Array, plan: Coefficients, out: Uint8Array, outAt: number): void {
  const { taps, starts, counts, weights } = plan;
  let to = outAt;
  for (let i = 0; i < starts.length; i++) {
    const count = counts[i]!;
    let from = starts[i]! * 3;
    let red = HALF;
    let green = HALF;
    let blue = HALF;
    for (let k = 0, w = i * taps; k < count; k++, w++, from += 3) {
      const weight = weights[w]!;
      red += row[from]! * weight;
      green += row[from + 1]! * weight;
      blue += row[from + 2]! * weight;
    }
    out[to++] = Math.min(255, red >> 22);
    out[to++] = Math.min(255, green >> 22);
    out[to++] = Math.min(255, blue >> 22);
  }
}

function narrowGrey(row: Uint8Array, plan: Coefficients | null, out: Uint8Array, outAt: number): void {
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
