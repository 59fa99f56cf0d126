/** Numbers and small sums of a batch's steps. */

/** Bytes of a vector: one value of four faces. */
export const VECTOR = 16;

/** Operations: assembly/batch-words.ts. */
export const OPERATIONS = {
  unpack: 1,
  winograd: 2,
  direct: 3,
  depthwise: 4,
  maxPool: 5,
  averagePool: 6,
  add: 7,
  multiply: 8,
  copy: 9,
  softmax: 10,
  move: 11,
  resize: 12,
  sample: 13,
} as const;

/** Offsets of a window's pixels, row by row. */
export function listTaps([tall, wide]: readonly [number, number], [down, right]: readonly [number, number]): number[] {
  return Array.from({ length: tall * wide }, (_, tap) => Math.floor(tap / wide) * down + (tap % wide) * right);
}

/** Where tiles of `side` begin along `length`; the last one overlaps where they do not divide it. */
export function listStarts(length: number, side: number): number[] {
  return Array.from({ length: Math.ceil(length / side) }, (_, i) => Math.min(i * side, length - side));
}

/** An even number of positions, two at least. */
export function roundEven(count: number): number {
  return Math.max(2, 2 * Math.ceil(count / 2));
}

/** An odd number of cache lines; assembly/batch-winograd.ts rounds alike. */
export function spread(bytes: number): number {
  return (2 * Math.floor(Math.ceil(bytes / 64) / 2) + 1) * 64;
}
