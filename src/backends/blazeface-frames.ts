/** Where BlazeFace's inputs lie in a picture, and its finds with them. */

import { BLAZEFACE_PIXELS, type BlazeFaceFind } from "../model/blazeface.ts";
import type { Box, Raster } from "../model/face-finder.ts";
import { longerSide } from "../model/face-overlap.ts";

/** Input of the coarse and of closer looks, pixels each way. */
export const LOOK = 128;
/** A fine look runs in tiles of at most this side, so that memory does not grow with the picture; they overlap by more than their largest face. */
export const TILE = { side: 512, overlap: 128, maxFace: 112 } as const;

/** A find in pixels of the picture, with its longer side in pixels of the input that it was seen in. */
export interface Candidate extends BlazeFaceFind {
  readonly seen: number;
}

/** Where an input of the network lies in the picture: picture = `x` + input × `scaleX`. */
export interface Frame {
  readonly x: number;
  readonly y: number;
  readonly scaleX: number;
  readonly scaleY: number;
  /** Whether the network sees the picture mirrored; finds are turned back before they are placed. */
  readonly mirrored?: boolean;
}

/** A find in pixels of the picture. */
export function place({ box, eyes, logit }: BlazeFaceFind, { x, y, scaleX, scaleY }: Frame): Candidate {
  const [right, left] = eyes;
  return {
    logit,
    seen: longerSide(box),
    box: { x: x + box.x * scaleX, y: y + box.y * scaleY, width: box.width * scaleX, height: box.height * scaleY },
    eyes: [
      { x: x + right.x * scaleX, y: y + right.y * scaleY },
      { x: x + left.x * scaleX, y: y + left.y * scaleY },
    ],
  };
}

/** Tiles of one side that cover `length` pixels, all alike, multiples of 32; the last may reach past the end. */
export function planTiles(length: number): { readonly side: number; readonly starts: readonly number[] } {
  const { side: most, overlap } = TILE;
  const count = Math.max(1, Math.ceil((length - overlap) / (most - overlap)));
  const side = roundUp((length + (count - 1) * overlap) / count, BLAZEFACE_PIXELS);
  return { side, starts: Array.from({ length: count }, (_, i) => i * (side - overlap)) };
}

/** The part of the picture around a box, its size in a closer look's input, and where it lies there. */
export function planCloserLook(image: Raster, box: Box, context: number) {
  const side = Math.max(2, longerSide(box) * context);
  const x = box.x + box.width / 2 - side / 2;
  const y = box.y + box.height / 2 - side / 2;
  const across = clip(x, x + side, image.width);
  const down = clip(y, y + side, image.height);
  const window = { x: across.start, y: down.start, width: across.length, height: down.length };
  const scale = LOOK / side;
  const width = fit(window.width * scale);
  const height = fit(window.height * scale);
  const left = Math.min(LOOK - width, Math.max(0, Math.round((window.x - x) * scale)));
  const top = Math.min(LOOK - height, Math.max(0, Math.round((window.y - y) * scale)));
  return { window, width, height, left, top };
}

/** Whole pixels of a stretch that lie in `0…length`; at least one. */
function clip(from: number, to: number, length: number): { readonly start: number; readonly length: number } {
  const start = Math.min(length - 1, Math.max(0, Math.floor(from)));
  return { start, length: Math.max(1, Math.min(length, Math.ceil(to)) - start) };
}

function fit(value: number): number {
  return Math.min(LOOK, Math.max(1, Math.round(value)));
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

/** The rows of an RGB picture, each from its end. @param rgb bytes, three a pixel */
export function mirrorRgb(rgb: Uint8Array, width: number): Uint8Array {
  const mirrored = new Uint8Array(rgb.length);
  const row = width * 3;
  for (let start = 0; start < rgb.length; start += row) {
    for (let x = 0; x < row; x += 3) {
      const from = start + row - 3 - x;
      mirrored[start + x] = rgb[from]!;
      mirrored[start + x + 1] = rgb[from + 1]!;
      mirrored[start + x + 2] = rgb[from + 2]!;
    }
  }
  return mirrored;
}

/** What a find in a mirrored input of that width is in the plain one. */
export function mirrorFind({ box, eyes: [right, left], logit }: BlazeFaceFind, width: number): BlazeFaceFind {
  return {
    logit,
    box: { ...box, x: width - box.x - box.width },
    eyes: [
      { x: width - left.x, y: left.y },
      { x: width - right.x, y: right.y },
    ],
  };
}
