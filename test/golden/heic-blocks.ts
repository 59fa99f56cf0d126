/** A picture in few numbers, near for two decoders of one file and far for a picture that is turned or moved. */

import type { Raster } from "../../src/model/face-finder.ts";

/** Pixels along a side of one. */
const SIDE = 8;

/** Means of blocks of 8×8 pixels, row by row, red, green and blue of each; what does not fill a block at the right and below is left out. */
export function readBlocks({ width, height, channels, data }: Raster): readonly number[] {
  const blocks: number[] = [];
  for (let top = 0; top + SIDE <= height; top += SIDE) {
    for (let left = 0; left + SIDE <= width; left += SIDE) {
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        for (let at = 0; at < SIDE * SIDE; at++) {
          const [x, y] = [left + (at % SIDE), top + Math.floor(at / SIDE)];
          sum += data[(y * width + x) * channels + channel]!;
        }
        blocks.push(Math.round(sum / (SIDE * SIDE)));
      }
    }
  }
  return blocks;
}
