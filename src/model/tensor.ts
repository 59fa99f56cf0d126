/** A named array of a model: what files hold and engines read. */

/** Row-major values. `data.length` is the product of `shape`; a scalar has the shape `[]`. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Number of elements of a shape; 1 for a scalar. */
export function countElements(shape: readonly number[]): number {
  let count = 1;
  for (const size of shape) count *= size;
  return count;
}

/** `[8, 1, 7, 7]` as text, for messages. */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}
