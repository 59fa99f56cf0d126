/** How boxes overlap, and the suppression of double finds. */

import type { Box } from "./face-finder.ts";

/**
 * Non-maximum suppression: keeps the best of every group of overlapping boxes.
 * @param finds best first
 * @param maxOverlap intersection over union, 0…1, above which the later one is dropped
 * @returns in the given order
 */
export function suppressOverlaps<T extends { readonly box: Box }>(finds: readonly T[], maxOverlap: number): T[] {
  const kept: T[] = [];
  for (const find of finds) {
    if (!kept.some(({ box }) => measureOverlap(box, find.box) > maxOverlap)) kept.push(find);
  }
  return kept;
}

/** Intersection over union of two boxes, 0…1. */
export function measureOverlap(a: Box, b: Box): number {
  const shared = measureIntersection(a, b);
  return shared === 0 ? 0 : shared / (a.width * a.height + b.width * b.height - shared);
}

/** Share of the smaller of two boxes that lies in the other, 0…1. */
export function measureNesting(a: Box, b: Box): number {
  const shared = measureIntersection(a, b);
  return shared === 0 ? 0 : shared / Math.min(a.width * a.height, b.width * b.height);
}

/** Longer side of a box. */
export function longerSide({ width, height }: Box): number {
  return Math.max(width, height);
}

function measureIntersection(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}
