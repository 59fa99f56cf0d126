/**
 * Histograms of oriented gradients (Dalal and Triggs 2005) of a 48×48 face. training/hog.py states the same definition;
 * the golden values come from there.
 */

import { FACE_PIXELS, FACE_SIZE } from "./labels.ts";

const CELL_PIXELS = 6;
const CELLS = FACE_SIZE / CELL_PIXELS;
const BINS = 9;
const BLOCKS = CELLS - 1;
const BLOCK_CELLS = 2;
/** Added to the sum of squares before the first root: keeps flat blocks from becoming noise. */
const FLAT = 100;
const CUT = 0.2;
const TINY = 1e-6;
/** Numbers of one block: 2×2 cells of 9 bins. */
const BLOCK_SIZE = BLOCK_CELLS * BLOCK_CELLS * BINS;

/** Numbers of one face: 7×7 overlapping blocks. */
export const HOG_FEATURES = BLOCKS * BLOCKS * BLOCK_SIZE;

/** What a card of the family states, so that weights for other features are refused. */
export const HOG_SETTINGS = { cellPixels: CELL_PIXELS, bins: BINS, blockCells: BLOCK_CELLS, cut: CUT } as const;

/** Each pixel votes with its gradient's length in the two nearest of 9 unsigned bins of its own cell. */
function countVotes(face: Uint8Array): Float64Array {
  const votes = new Float64Array(CELLS * CELLS * BINS);
  const pixel = (row: number, column: number): number => face[row * FACE_SIZE + column]!;
  const last = FACE_SIZE - 1;
  for (let r = 0; r < FACE_SIZE; r += 1) {
    for (let c = 0; c < FACE_SIZE; c += 1) {
      const gx = pixel(r, Math.min(c + 1, last)) - pixel(r, Math.max(c - 1, 0));
      const gy = pixel(Math.min(r + 1, last), c) - pixel(Math.max(r - 1, 0), c);
      const magnitude = Math.sqrt(gx * gx + gy * gy);
      let angle = Math.atan2(gy, gx);
      if (angle < 0) angle += Math.PI;
      if (angle >= Math.PI) angle -= Math.PI;
      const position = (angle * BINS) / Math.PI - 0.5;
      const low = Math.floor(position);
      const share = position - low;
      const cell = (Math.floor(r / CELL_PIXELS) * CELLS + Math.floor(c / CELL_PIXELS)) * BINS;
      votes[cell + ((low + BINS) % BINS)]! += magnitude * (1 - share);
      votes[cell + ((low + 1) % BINS)]! += magnitude * share;
    }
  }
  return votes;
}

/** Scales a block to length 1, cuts it at 0.2 and scales it again ("L2-Hys", Lowe 2004). */
function normalizeBlock(block: Float64Array): void {
  const scale = (added: number): number => {
    let sum = added;
    for (const value of block) sum += value * value;
    return Math.sqrt(sum);
  };
  const first = scale(FLAT);
  for (let i = 0; i < block.length; i += 1) block[i] = Math.min(block[i]! / first, CUT);
  const second = scale(TINY);
  for (let i = 0; i < block.length; i += 1) block[i]! /= second;
}

/**
 * The features of one face.
 * @param face 2304 bytes, 48×48 gray
 * @returns 1,764 numbers 0…1, at (((blockRow × 7 + blockColumn) × 2 + cellRow) × 2 + cellColumn) × 9 + bin
 */
export function computeHog(face: Uint8Array): Float64Array {
  const votes = countVotes(face.subarray(0, FACE_PIXELS));
  const features = new Float64Array(HOG_FEATURES);
  for (let row = 0; row < BLOCKS; row += 1) {
    for (let column = 0; column < BLOCKS; column += 1) {
      const start = (row * BLOCKS + column) * BLOCK_SIZE;
      const block = features.subarray(start, start + BLOCK_SIZE);
      for (let cellRow = 0; cellRow < BLOCK_CELLS; cellRow += 1) {
        // Neighboring cells of a row follow one another.
        const cell = ((row + cellRow) * CELLS + column) * BINS;
        block.set(votes.subarray(cell, cell + BLOCK_CELLS * BINS), cellRow * BLOCK_CELLS * BINS);
      }
      normalizeBlock(block);
    }
  }
  return features;
}
