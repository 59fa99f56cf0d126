/** What the detection benchmark does to pictures. All take and give RGB. */

import { resizeRgb } from "../../src/image/letterbox.ts";
import type { Box, Raster } from "../../src/model/face-finder.ts";

/** Whole pixels of a rectangle; beyond the border the nearest pixel is repeated. */
export function cutRaster(picture: Raster, box: Box): Raster {
  const [left, top, width, height] = [box.x, box.y, box.width, box.height].map(Math.round) as [
    number,
    number,
    number,
    number,
  ];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const row = clamp(top + y, picture.height) * picture.width;
    for (let x = 0; x < width; x++) {
      const from = (row + clamp(left + x, picture.width)) * 3;
      data.set(picture.data.subarray(from, from + 3), (y * width + x) * 3);
    }
  }
  return { width, height, channels: 3, data };
}

/** A copy at another size. */
export function scaleRaster(picture: Raster, width: number, height: number): Raster {
  return { width, height, channels: 3, data: resizeRgb(picture, width, height) };
}

/** Writes `top` into `canvas` at whole pixels, in place; it must fit. */
export function pasteRaster(canvas: Raster, top: Raster, x: number, y: number): void {
  for (let row = 0; row < top.height; row++) {
    const from = row * top.width * 3;
    canvas.data.set(top.data.subarray(from, from + top.width * 3), ((y + row) * canvas.width + x) * 3);
  }
}

/** Turned about its middle by `radians`, clockwise as seen; bilinear, the border's pixels repeated outward. */
export function turnRaster(picture: Raster, radians: number): Raster {
  const { width, height } = picture;
  const data = new Uint8Array(width * height * 3);
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const fromX = middleX + (x - middleX) * cos + (y - middleY) * sin;
      const fromY = middleY - (x - middleX) * sin + (y - middleY) * cos;
      for (let c = 0; c < 3; c++) data[(y * width + x) * 3 + c] = Math.round(sample(picture, fromX, fromY, c));
    }
  }
  return { width, height, channels: 3, data };
}

/** Every value through `change`. */
export function mapRaster(picture: Raster, change: (value: number) => number): Raster {
  const table = Uint8Array.from({ length: 256 }, (_, value) => Math.max(0, Math.min(255, Math.round(change(value)))));
  return { ...picture, data: picture.data.map((value) => table[value] ?? 0) };
}

/** As if photographed with a `factor` times coarser lens: narrowed and enlarged again. */
export function blurRaster(picture: Raster, factor: number): Raster {
  const { width, height } = picture;
  const coarse = scaleRaster(
    picture,
    Math.max(1, Math.round(width / factor)),
    Math.max(1, Math.round(height / factor)),
  );
  return scaleRaster(coarse, width, height);
}

function sample({ width, height, data }: Raster, x: number, y: number, channel: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [right, low] = [x - left, y - top];
  const at = (column: number, row: number): number =>
    data[(clamp(row, height) * width + clamp(column, width)) * 3 + channel] ?? 0;
  const upper = at(left, top) * (1 - right) + at(left + 1, top) * right;
  const lower = at(left, top + 1) * (1 - right) + at(left + 1, top + 1) * right;
  return upper * (1 - low) + lower * low;
}

function clamp(position: number, length: number): number {
  return Math.max(0, Math.min(length - 1, position));
}
