/** Words of steps that only move numbers: axes in another order, a vector as a map, a part of a map, a map of another size. */

import type { NodeOf } from "../../model/graph/graph.ts";
import { listResizeTaps } from "../../model/graph/resize.ts";

/** Bytes from channel to channel, from row to row and from column to column. */
export type Strides = readonly [channel: number, row: number, column: number];

/** Bytes to the first number in the source, and from number to number along the axes of the result, in its source and in itself. */
export function listMoves(
  node: NodeOf<"reshape" | "transpose" | "slice">,
  from: Strides,
  to: Strides,
  [, height, width]: readonly [channels: number, height: number, width: number],
): { readonly skip: number; readonly source: Strides; readonly target: Strides } {
  // A vector is a map of one position: its numbers are channels.
  if (node.op === "reshape") {
    return { skip: 0, source: [height * width * from[0], width * from[0], from[0]], target: to };
  }
  if (node.op === "slice") {
    const skip = node.start.reduce((bytes, at, axis) => bytes + at * from[axis]!, 0);
    return { skip, source: from, target: to };
  }
  const [a, b, c] = node.order;
  return { skip: 0, source: [from[a]!, from[b]!, from[c]!], target: to };
}

/** Two offsets and the bits of a share for each position of a resized axis. @param step bytes from position to position of the source */
export function listResize(node: NodeOf<"resize">, axis: "rows" | "columns", length: number, step: number): number[] {
  const count = node.size[axis === "rows" ? 0 : 1];
  const bits = new DataView(new ArrayBuffer(4));
  return listResizeTaps(node, length, count).flatMap(({ low, high, share }) => {
    bits.setFloat32(0, share);
    return [low * step, high * step, bits.getInt32(0)];
  });
}
