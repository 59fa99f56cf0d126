/** Weights of 3×3 convolutions as Winograd's products read them. */

import type { Tensor } from "../../model/tensor.ts";
import { SIX_POINTS, transformMatrix } from "../fused/winograd-weights.ts";

/** The finite points of F(3×3, 3×3); infinity comes last. */
const FIVE_POINTS: readonly number[] = [0, 1, -1, 2];

/** Sides of Winograd's tiles. */
export type TileSide = 3 | 4;

/**
 * `[point][outputs / block][input][block]`, transformed in double precision; zeros where there is no output or input.
 * @param to outputs of a block, and inputs with the ones that are only there to fill a vector
 */
export function packWinograd(
  { shape, data }: Tensor,
  tile: TileSide,
  to: { readonly block: number; readonly inputs: number },
): Float32Array {
  const [outputs = 0, inputs = 0] = shape;
  const matrix = transformMatrix(3, tile === 4 ? SIX_POINTS : FIVE_POINTS);
  const points = matrix.length;
  const g = Float64Array.from(matrix.flat());
  const step = Math.ceil(outputs / to.block) * to.inputs * to.block;
  const packed = new Float32Array(points * points * step);
  const rows = new Float64Array(points * 3);
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) {
      const from = (o * inputs + i) * 9;
      for (let y = 0; y < points * 3; y += 3) {
        for (let x = from; x < from + 3; x++) {
          rows[y + x - from] = g[y]! * data[x]! + g[y + 1]! * data[x + 3]! + g[y + 2]! * data[x + 6]!;
        }
      }
      let at = (Math.floor(o / to.block) * to.inputs + i) * to.block + (o % to.block);
      for (let y = 0; y < points * 3; y += 3) {
        for (let x = 0; x < points * 3; x += 3) {
          packed[at] = g[x]! * rows[y]! + g[x + 1]! * rows[y + 1]! + g[x + 2]! * rows[y + 2]!;
          at += step;
        }
      }
    }
  }
  return packed;
}
