// affine_grid and grid_sample (bilinear, zero padding) of four faces at once. The padding is zero in normalized space:
// the images carry a border of zeros, and coordinates are clamped to it, where every read and weight gives zero.
import { multiplyAdd, VECTOR } from "./vector";
import { PADDED, SIDE, images, sampled, theta } from "./plan";
import { IMAGE_BYTES } from "./pixels";

// @ts-ignore: decorator
@inline
function axis(at: usize, slope: usize): v128 {
  return v128.load(at + slope * VECTOR);
}

/** Offset of one axis in padded pixels: where output pixel (0, 0) reads. */
// @ts-ignore: decorator
@inline
function originOf(row: usize, alignCorners: bool): v128 {
  const sum = f32x4.add(axis(row, 0), axis(row, 1));
  const shift = f32x4.add(axis(row, 2), f32x4.splat(1));
  if (alignCorners) return f32x4.add(f32x4.mul(f32x4.sub(shift, sum), f32x4.splat(23.5)), f32x4.splat(1));
  const origin = f32x4.add(f32x4.mul(sum, f32x4.splat(<f32>(1.0 / 48.0 - 1.0))), shift);
  return f32x4.add(f32x4.mul(origin, f32x4.splat(24)), f32x4.splat(0.5));
}

/** max(0, min(x, 49)), NaN to 0. */
// @ts-ignore: decorator
@inline
function clamp(x: v128): v128 {
  return f32x4.pmin(f32x4.splat(49), f32x4.pmax(f32x4.splat(0), x));
}

/** `images` through `theta` into `sampled`. */
export function sample(alignCorners: bool): void {
  const yTheta = theta + 3 * VECTOR;
  const stepX = axis(theta, 0), slantX = axis(theta, 1), startX = originOf(theta, alignCorners);
  const stepY = axis(yTheta, 0), slantY = axis(yTheta, 1), startY = originOf(yTheta, alignCorners);
  const base = <i32>images, plane = <i32>IMAGE_BYTES;
  const bases = i32x4(base, base + plane, base + 2 * plane, base + 3 * plane);
  const one = f32x4.splat(1);
  const row = <usize>PADDED * 4;
  let to = sampled;
  let r = f32x4.splat(0);
  for (let y = 0; y < SIDE; y++) {
    const fromX = multiplyAdd(slantX, r, startX), fromY = multiplyAdd(slantY, r, startY);
    let c = f32x4.splat(0);
    for (let x = 0; x < SIDE; x++) {
      const px = clamp(multiplyAdd(stepX, c, fromX)), py = clamp(multiplyAdd(stepY, c, fromY));
      const x0 = f32x4.floor(px), y0 = f32x4.floor(py);
      const fx = f32x4.sub(px, x0), fy = f32x4.sub(py, y0);
      const offset = f32x4.add(f32x4.mul(y0, f32x4.splat(204)), f32x4.mul(x0, f32x4.splat(4)));
      const at = i32x4.add(i32x4.trunc_sat_f32x4_s(offset), bases);
      const p0 = <usize>i32x4.extract_lane(at, 0), p1 = <usize>i32x4.extract_lane(at, 1);
      const p2 = <usize>i32x4.extract_lane(at, 2), p3 = <usize>i32x4.extract_lane(at, 3);
      const t01 = v128.load_lane<u64>(p1, v128.load64_zero(p0), 1);
      const t23 = v128.load_lane<u64>(p3, v128.load64_zero(p2), 1);
      const u01 = v128.load_lane<u64>(p1 + row, v128.load64_zero(p0 + row), 1);
      const u23 = v128.load_lane<u64>(p3 + row, v128.load64_zero(p2 + row), 1);
      const a = v128.shuffle<f32>(t01, t23, 0, 2, 4, 6), b = v128.shuffle<f32>(t01, t23, 1, 3, 5, 7);
      const d = v128.shuffle<f32>(u01, u23, 0, 2, 4, 6), e = v128.shuffle<f32>(u01, u23, 1, 3, 5, 7);
      const upper = multiplyAdd(f32x4.sub(b, a), fx, a), lower = multiplyAdd(f32x4.sub(e, d), fx, d);
      v128.store(to, multiplyAdd(f32x4.sub(lower, upper), fy, upper));
      to += VECTOR;
      c = f32x4.add(c, one);
    }
    r = f32x4.add(r, one);
  }
}
