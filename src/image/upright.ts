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

/** One channel of the picture between its pixels, 0…255. */
type Sample = (raster: Raster, x: number, y: number) => number;

const CHANNELS: Readonly<Record<PixelForm["color"], readonly Sample[]>> = {
  gray: [sampleGray],
  rgb: [sampleChannel(0), sampleChannel(1), sampleChannel(2)],
  bgr: [sampleChannel(2), sampleChannel(1), sampleChannel(0)],
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
  const pixels = new Uint8Array(countInputBytes(form));
  for (const [channel, sample] of CHANNELS[form.color].entries()) {
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
            sum += sample(raster, x, y);
          }
        }
        pixels[(row * size + column) * depth + channel] = Math.round(sum / (points * points));
      }
    }
  }
  return pixels;
}

function sampleGray(raster: Raster, x: number, y: number): number {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const right = x - left;
  const low = y - top;
  const upper = grayAt(raster, left, top) * (1 - right) + grayAt(raster, left + 1, top) * right;
  const lower = grayAt(raster, left, top + 1) * (1 - right) + grayAt(raster, left + 1, top + 1) * right;
  return upper * (1 - low) + lower * low;
}

function sampleChannel(channel: number): Sample {
  return (raster, x, y) => {
    const left = Math.floor(x);
    const top = Math.floor(y);
    const right = x - left;
    const low = y - top;
    const level = (column: number, row: number): number => levelAt(raster, column, row, channel);
    const upper = level(left, top) * (1 - right) + level(left + 1, top) * right;
    const lower = level(left, top + 1) * (1 - right) + level(left + 1, top + 1) * right;
    return upper * (1 - low) + lower * low;
  };
}

/** Version 1's gray of the nearest pixel, 0…255, not rounded. */
function grayAt({ width, height, channels, data }: Raster, x: number, y: number): number {
  const column = x < 0 ? 0 : x >= width ? width - 1 : x;
  const row = y < 0 ? 0 : y >= height ? height - 1 : y;
  const at = (row * width + column) * channels;
  if (channels === 1) return data[at]!;
  return (19595 * data[at]! + 38470 * data[at + 1]! + 7471 * data[at + 2]!) / 65536;
}

/** One channel of the nearest pixel. */
function levelAt({ width, height, channels, data }: Raster, x: number, y: number, channel: number): number {
  const column = x < 0 ? 0 : x >= width ? width - 1 : x;
  const row = y < 0 ? 0 : y >= height ? height - 1 : y;
  return data[(row * width + column) * channels + (channels === 1 ? 0 : channel)]!;
}
