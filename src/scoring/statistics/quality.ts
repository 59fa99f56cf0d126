/** Input quality of one face, for drift between runs. */

import type { QualityRecord } from "../records.ts";

const CENTI = 100;
const round = (value: number): number => Math.round(value * CENTI) / CENTI;

/**
 * Brightness and contrast of a preprocessed face, from exact integer sums, at 2 decimals.
 * @param pixels grey values of one face (48×48)
 * @param side shorter side of the face in pixels of the picture
 */
export function measureQuality(pixels: Uint8Array, side: number): QualityRecord {
  let sum = 0;
  let squares = 0;
  for (const value of pixels) {
    sum += value;
    squares += value * value;
  }
  const count = pixels.length;
  return {
    brightness: round(sum / count),
    contrast: round(Math.sqrt(count * squares - sum * sum) / count),
    side: round(side),
  };
}
