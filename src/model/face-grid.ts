/** From the detector's grid of numbers to boxes, and the suppression of double finds. */

import type { Box, FoundFace } from "./face-finder.ts";
import { CELL_PIXELS, CELL_VALUES } from "./tiny-face-network.ts";

/** Width and height of the five anchors, in cells (face-api's constants, also in the model card). */
const ANCHORS = [
  [1.603231, 2.094468],
  [6.041143, 7.080126],
  [2.882459, 3.518061],
  [4.266906, 5.178857],
  [9.041765, 10.66308],
] as const;

/**
 * Decodes every anchor above a score (Redmon and Farhadi 2016, §2: sigmoid offsets in the cell, exponential sizes).
 * @param grid `rows × columns × 25`
 * @returns boxes in pixels of the network's input, unordered
 */
export function decodeGrid(grid: Float32Array, columns: number, rows: number, minScore: number): FoundFace[] {
  const faces: FoundFace[] = [];
  const minLogit = minScore <= 0 ? -Infinity : Math.log(minScore / (1 - minScore));
  for (let cell = 0; cell < rows * columns; cell++) {
    for (const [a, [anchorWidth, anchorHeight]] of ANCHORS.entries()) {
      const at = cell * CELL_VALUES + a * 5;
      const logit = grid[at + 4]!;
      if (!(logit > minLogit)) continue;
      const centreX = ((cell % columns) + sigmoid(grid[at]!)) * CELL_PIXELS;
      const centreY = (Math.floor(cell / columns) + sigmoid(grid[at + 1]!)) * CELL_PIXELS;
      const width = Math.exp(grid[at + 2]!) * anchorWidth * CELL_PIXELS;
      const height = Math.exp(grid[at + 3]!) * anchorHeight * CELL_PIXELS;
      const box = { x: centreX - width / 2, y: centreY - height / 2, width, height };
      faces.push({ box, score: sigmoid(logit) });
    }
  }
  return faces;
}

/**
 * Non-maximum suppression: keeps the best of every group of overlapping boxes.
 * @param maxOverlap intersection over union, 0…1, above which the weaker is dropped
 * @param maxNesting share of the smaller box inside the larger above which the weaker is dropped; 1 keeps all
 * @returns best first; equal scores in the given order
 */
export function suppressOverlaps(faces: readonly FoundFace[], maxOverlap: number, maxNesting = 1): FoundFace[] {
  const kept: FoundFace[] = [];
  for (const face of [...faces].sort((a, b) => b.score - a.score)) {
    const isDouble = kept.some((better) => {
      const shared = measureIntersection(better.box, face.box);
      if (shared === 0) return false;
      const a = better.box.width * better.box.height;
      const b = face.box.width * face.box.height;
      return shared / (a + b - shared) > maxOverlap || shared / Math.min(a, b) > maxNesting;
    });
    if (!isDouble) kept.push(face);
  }
  return kept;
}

/** Intersection over union of two boxes, 0…1. */
export function measureOverlap(a: Box, b: Box): number {
  const shared = measureIntersection(a, b);
  return shared === 0 ? 0 : shared / (a.width * a.height + b.width * b.height - shared);
}

function measureIntersection(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
