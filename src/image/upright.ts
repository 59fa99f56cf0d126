/** From a picture and a turned square to the bytes that a network takes. Preprocessing step 3, version 3. */

import type { Point, Raster } from "../model/face-finder.ts";
import { countChannels, countInputBytes, GRAY_48 } from "../model/input-form.ts";
import type { PixelForm } from "./preprocess.ts";

/** A square that may be turned, in pixels of its picture; may reach past the border. */
export interface TurnedSquare {
  readonly middle: Point;
  readonly side: number;
  /** Unit vector from the face's right to its left: (1, 0) is upright. */
  readonly across: Point;
}

/** Channels of the crop: one of the picture, or its gray. */
const CHANNELS: Readonly<Record<PixelForm["color"], readonly (number | "gray")[]>> = {
  gray: ["gray"],
  rgb: [0, 1, 2],
  bgr: [2, 1, 0],
};

/**
 * Cuts out one face, turns it upright, and gray where the network wants it so, and resizes it, sampling the picture once: each pixel is the mean of a grid of points
 * no further apart than the picture's pixels, each interpolated between its four neighbors. Beyond the border the nearest pixel is repeated. Nothing but
 * additions, products and square roots, so that every engine gives the same bytes.
 * @returns rows of pixels, channels together: {@link countInputBytes} bytes
 */
export function preprocessTurned(
  raster: Raster,
  { middle, side, across }: TurnedSquare,
  form: PixelForm = GRAY_48,
): Uint8Array {
  const { size } = form;
  const depth = countChannels(form);
  const points = Math.max(1, Math.ceil(side / size));
  const step = side / (size * points);
  const reach = (side / 2) * (Math.abs(across.x) + Math.abs(across.y));
  const pixels = new Uint8Array(countInputBytes(form));
  for (const [channel, source] of CHANNELS[form.color].entries()) {
    const region = readLevels(raster, middle, reach, source);
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        let sum = 0;
        for (let i = 0; i < points; i++) {
          const down = (row * points + i + 0.5) * step - side / 2;
          for (let k = 0; k < points; k++) {
            const right = (column * points + k + 0.5) * step - side / 2;
            // Pixels are squares: the middle of the first lies at one half.
            const x = middle.x + right * across.x - down * across.y - 0.5;
            const y = middle.y + right * across.y + down * across.x - 0.5;
            sum += sampleLevels(region, x, y);
          }
        }
        pixels[(row * size + column) * depth + channel] = Math.round(sum / (points * points));
      }
    }
  }
  return pixels;
}

/** One channel of a part of a picture, 0…255; beyond the border the nearest pixel's. */
interface LevelRegion {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly levels: Float64Array;
}

/** All pixels that a square around `middle` may be interpolated from: each is read once, however often it is sampled. Gray is version 1's, not rounded. */
function readLevels(
  { width, height, channels, data }: Raster,
  middle: Point,
  reach: number,
  source: number | "gray",
): LevelRegion {
  const [left, top] = [Math.floor(middle.x - reach) - 1, Math.floor(middle.y - reach) - 1];
  const wide = Math.ceil(middle.x + reach) + 2 - left;
  const tall = Math.ceil(middle.y + reach) + 2 - top;
  const levels = new Float64Array(wide * tall);
  const channel = channels === 1 || source === "gray" ? 0 : source;
  const isMixed = channels === 3 && source === "gray";
  let to = 0;
  for (let y = top; y < top + tall; y++) {
    const row = (y < 0 ? 0 : y >= height ? height - 1 : y) * width;
    for (let x = left; x < left + wide; x++) {
      const at = (row + (x < 0 ? 0 : x >= width ? width - 1 : x)) * channels + channel;
      levels[to++] = isMixed ? (19595 * data[at]! + 38470 * data[at + 1]! + 7471 * data[at + 2]!) / 65536 : data[at]!;
    }
  }
  return { left, top, width: wide, levels };
}

function sampleLevels({ left, top, width, levels }: LevelRegion, x: number, y: number): number {
  const column = Math.floor(x);
  const row = Math.floor(y);
  const right = x - column;
  const low = y - row;
  const at = (row - top) * width + column - left;
  const upper = levels[at]! * (1 - right) + levels[at + 1]! * right;
  const lower = levels[at + width]! * (1 - right) + levels[at + width + 1]! * right;
  return upper * (1 - low) + lower * low;
}
