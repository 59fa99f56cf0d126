/**
 * PyTorch's `affine_grid` + `grid_sample` (bilinear, zero padding) as one affine map from output to input pixels, for
 * frameworks that have only a projective image transform.
 *
 * https://pytorch.org/docs/stable/generated/torch.nn.functional.grid_sample.html
 */

import { FACE_SIZE } from "./labels.ts";

/** Entries of one row of `tf.image.transform`: `[a0 a1 a2 b0 b1 b2 0 0]`. */
export const TRANSFORM_SIZE = 8;

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

/**
 * The map for 48×48 images.
 *
 * With θ = [[a b tx] [d e ty]] and `align_corners` false, pixel c has the normalized center (2c+1)/48 − 1, hence
 * a2 = ((a+b)(1/48 − 1) + tx + 1)·24 − ½; with true it has 2c/47 − 1, hence a2 = (tx + 1 − a − b)·23.5.
 */
export function buildSamplerMatrix(alignCorners: boolean): SamplerMatrix {
  const scale = alignCorners ? (FACE_SIZE - 1) / 2 : FACE_SIZE / 2;
  const center = alignCorners ? -scale : (1 / FACE_SIZE - 1) * scale;
  const constant = alignCorners ? scale : scale - 0.5;
  const matrix = new Float32Array(6 * TRANSFORM_SIZE);
  const offset = new Float32Array(TRANSFORM_SIZE);
  for (let axis = 0; axis < 2; axis++) {
    const theta = axis * 3;
    const out = axis * 3;
    matrix[theta * TRANSFORM_SIZE + out] = 1;
    matrix[(theta + 1) * TRANSFORM_SIZE + out + 1] = 1;
    matrix[theta * TRANSFORM_SIZE + out + 2] = center;
    matrix[(theta + 1) * TRANSFORM_SIZE + out + 2] = center;
    matrix[(theta + 2) * TRANSFORM_SIZE + out + 2] = scale;
    offset[out + 2] = constant;
  }
  return { matrix, offset };
}
