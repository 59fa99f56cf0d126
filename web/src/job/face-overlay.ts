/** Where on the picture the network looked. */

import type { FaceRecord } from "../../../src/scoring/records/records.ts";

/** A point in pixels of the upright picture. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The square that was cut out of the picture: around a found box, or the middle of a face crop. */
export function cutSquare(face: FaceRecord): { readonly x: number; readonly y: number; readonly side: number } {
  const { x, y, width, height } = face.box;
  const side = face.score === null ? Math.min(width, height) : Math.max(width, height);
  return { x: x + (width - side) / 2, y: y + (height - side) / 2, side };
}

/**
 * Corners of the region that the spatial transformer reads, clockwise from the top left; `null` without a θ. θ maps the
 * output's corners (±1, ±1) into the cut square, whose own corners are (±1, ±1).
 */
export function attendedRegion(face: FaceRecord): readonly Point[] | null {
  const { theta } = face;
  if (theta === null) return null;
  const [a = 1, b = 0, tx = 0, d = 0, e = 1, ty = 0] = theta;
  const square = cutSquare(face);
  return [
    [-1, -1],
    [1, -1],
    [1, 1],
    [-1, 1],
  ].map(([u = 0, v = 0]) => ({
    x: square.x + ((a * u + b * v + tx + 1) / 2) * square.side,
    y: square.y + ((d * u + e * v + ty + 1) / 2) * square.side,
  }));
}
