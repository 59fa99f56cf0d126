/** What a name of an ONNX file stands for while it is read: a constant, or a value of the graph under some shape. */

import type { Corners } from "../../graph/affine-sample.ts";
import type { ValueShape } from "../../graph/shapes.ts";
import type { Constant } from "./tensor.ts";

/** Which axis of `[channels, height, width]` each axis behind the batch is. */
export type Order = readonly [number, number, number];

/** Channels first, as PyTorch has it. */
export const CHANNELS_FIRST: Order = [0, 1, 2];
/** Channels last, as TensorFlow has it. */
export const CHANNELS_LAST: Order = [1, 2, 0];

/** A value of the graph. The batch is always one here: `dims[0]`. */
export interface Dynamic {
  readonly kind: "value";
  readonly value: string;
  /** As the file sees it. */
  readonly dims: readonly number[];
  /**
   * How the axes of a four-dimensional value lie; `null` for one that is a vector in the graph, whose numbers are those
   * of `dims` row by row.
   */
  readonly order: Order | null;
  /** Whether something else reads it too. */
  readonly shared: boolean;
}

/** A constant. */
export interface Fixed extends Constant {
  readonly kind: "constant";
}

/** Either. */
export type Value = Dynamic | Fixed;

/** Places in a map, θ times others; only a sampler reads them. */
export interface Places {
  readonly kind: "places";
  /** The value of θ: six numbers, row by row. */
  readonly theta: string;
  /** What θ is multiplied by: x, y and 1 for each place, or which map's own places. */
  readonly base: Constant["values"] | { readonly height: number; readonly width: number; readonly corners: Corners };
  /** As the file sees it. */
  readonly dims: readonly number[];
  /** Whether these are sums, or still the products to be summed. */
  readonly isSummed: boolean;
}

/** Channels, rows and columns of any value of the graph. */
export function asMapShape(shape: ValueShape): readonly [number, number, number] {
  return shape.length === 3 ? shape : [shape[0], 1, 1];
}

/** The file's shape of a map in some order. */
export function arrange(shape: ValueShape, order: Order): readonly number[] {
  const sizes = asMapShape(shape);
  return [1, ...order.map((axis) => sizes[axis]!)];
}
