/** BlazeFace's outputs, and from them to boxes and eyes (Bazarevsky et al. 2019, arXiv:1907.05047, §3.2 to §4). */

import type { Box, Eyes } from "./face-finder.ts";

/** Input sides are multiples of it. */
export const BLAZEFACE_PIXELS = 32;
/** Values of one anchor: middle, size and six points, x and y each, in pixels. */
const VALUES = 16;

/** What the network outputs, row by row, the anchors of a cell side by side. */
export interface BlazeFaceOutputs {
  /** `height/16 × width/16 × 2` logits. */
  readonly nearScores: Float32Array;
  /** `height/16 × width/16 × 2 × 16` values, in pixels from the cell's middle. */
  readonly nearValues: Float32Array;
  /** `height/32 × width/32 × 6` logits. */
  readonly farScores: Float32Array;
  /** `height/32 × width/32 × 6 × 16`. */
  readonly farValues: Float32Array;
}

/** The network on some engine. Not safe for overlapping calls. */
export interface BlazeFaceNetwork {
  /**
   * Runs one picture.
   * @param rgb `height × width × 3` values −1…1 ({@link toBlazeFaceInput})
   * @param width multiple of {@link BLAZEFACE_PIXELS}, likewise `height`
   * @throws ScoringError `engine_unavailable`
   */
  run(rgb: Float32Array, width: number, height: number): Promise<BlazeFaceOutputs>;
  dispose(): void;
}

/** One find of the network, in pixels of its input. */
export interface BlazeFaceFind {
  readonly box: Box;
  readonly logit: number;
  readonly eyes: Eyes;
}

/** Both grids of anchors: pixels of a cell, anchors in each. */
const GRIDS = [
  { cell: 16, anchors: 2, scores: "nearScores", values: "nearValues" },
  { cell: 32, anchors: 6, scores: "farScores", values: "farValues" },
] as const;

/** Bytes 0…255 to −1…1. */
export function toBlazeFaceInput(rgb: Uint8Array): Float32Array {
  const levels = Float32Array.from({ length: 256 }, (_, byte) => byte / 127.5 - 1);
  // Not Float32Array.from: it goes through an iterator and took more time than the network.
  const values = new Float32Array(rgb.length);
  for (let i = 0; i < rgb.length; i++) values[i] = levels[rgb[i]!]!;
  return values;
}

/** All anchors at or above a logit, unordered. @param width of the network's input */
export function decodeBlazeFace(outputs: BlazeFaceOutputs, width: number, minLogit: number): BlazeFaceFind[] {
  const finds: BlazeFaceFind[] = [];
  for (const { cell, anchors, scores, values } of GRIDS) {
    const columns = width / cell;
    for (const [i, logit] of outputs[scores].entries()) {
      if (!(logit >= minLogit)) continue;
      const place = Math.floor(i / anchors);
      const x = ((place % columns) + 0.5) * cell;
      const y = (Math.floor(place / columns) + 0.5) * cell;
      finds.push({ logit, ...decodeAnchor(outputs[values], i * VALUES, x, y) });
    }
  }
  return finds;
}

function decodeAnchor(values: Float32Array, at: number, x: number, y: number): Pick<BlazeFaceFind, "box" | "eyes"> {
  const read = (k: number): number => values[at + k]!;
  const [width, height] = [read(2), read(3)];
  return {
    box: { x: x + read(0) - width / 2, y: y + read(1) - height / 2, width, height },
    eyes: [
      { x: x + read(4), y: y + read(5) },
      { x: x + read(6), y: y + read(7) },
    ],
  };
}
