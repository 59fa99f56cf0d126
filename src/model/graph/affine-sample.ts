/**
 * PyTorch's `affine_grid` + `grid_sample` (bilinear, zero padding) as one affine map from output to input pixels, for
 * frameworks that have only a projective image transform.
 *
 * https://pytorch.org/docs/stable/generated/torch.nn.functional.grid_sample.html
 */

import type { NodeOf } from "./graph.ts";

/** Entries of θ, the sampler's 2×3 matrix. */
export const THETA_SIZE = 6;

/** Entries of one row of `tf.image.transform`: `[a0 a1 a2 b0 b1 b2 0 0]`. */
export const TRANSFORM_SIZE = 8;

/** Which places have the coordinates −1 and 1: the outer edges of the border's pixels, or their centers (`align_corners`). */
export type Corners = NodeOf<"affineSample">["corners"];

/**
 * θ → transform is linear: `transform = θ · matrix + offset`, so that a framework can compute it without a readback.
 * Output pixel (c, r) reads input pixel (a0·c + a1·r + a2, b0·c + b1·r + b2).
 */
export interface SamplerMatrix {
  /** `[6, 8]`, row-major. */
  readonly matrix: Float32Array;
  /** `[8]`. */
  readonly offset: Float32Array;
}

/** Normalized coordinate of pixel `i` of `side`: `affine_grid`'s. */
export function normalizePixel(i: number, side: number, corners: Corners): number {
  if (corners === "half") return (2 * i + 1) / side - 1;
  // A single pixel is the middle.
  return side === 1 ? 0 : (2 * i) / (side - 1) - 1;
}

/** The pixel, of `side`, at a normalized coordinate: `grid_sample`'s. */
export function locatePixel(at: number, side: number, corners: Corners): number {
  return corners === "aligned" ? ((at + 1) / 2) * (side - 1) : ((at + 1) * side - 1) / 2;
}

/**
 * The map for images of `height` × `width`.
 *
 * With θ = [[a b tx] [d e ty]], `half` corners and 48×48, pixel c has the normalized center (2c+1)/48 − 1, hence
 * a2 = ((a+b)(1/48 − 1) + tx + 1)·24 − ½; with `aligned` ones it has 2c/47 − 1, hence a2 = (tx + 1 − a − b)·23.5.
 */
export function buildSamplerMatrix(height: number, width: number, corners: Corners): SamplerMatrix {
  const matrix = new Float32Array(THETA_SIZE * TRANSFORM_SIZE);
  const offset = new Float32Array(TRANSFORM_SIZE);
  const sides = [width, height] as const;
  // Pixels per unit of the normalized coordinate.
  const scales = sides.map((side) => (corners === "aligned" ? side - 1 : side) / 2);
  for (const [axis, side] of sides.entries()) {
    const scale = scales[axis]!;
    for (const [from, length] of sides.entries()) {
      const row = (axis * 3 + from) * TRANSFORM_SIZE + axis * 3;
      matrix[row + from] = scales[from] === 0 ? 0 : scale / scales[from]!;
      matrix[row + 2] = scale * normalizePixel(0, length, corners);
    }
    matrix[(axis * 3 + 2) * TRANSFORM_SIZE + axis * 3 + 2] = scale;
    offset[axis * 3 + 2] = locatePixel(0, side, corners);
  }
  return { matrix, offset };
}
