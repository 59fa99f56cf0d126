// 3×3 convolution as Winograd F(4×4, 3×3) and 5×5 as F(2×2, 5×5) (Lavin and Gray 2015, "Fast Algorithms for
// Convolutional Neural Networks"): both use the six points 0, ±1, ±2, ∞, so they share the input transform and the
// multiplication and differ in the output transform alone. Two tiles of four faces go through together.
import { multiplyAdd, rectify, larger, VECTOR } from "./vector";
import { TILE, transformed, products, scratch } from "./plan";

/** Points of the transformed 6×6 tile. */
const POINTS: i32 = 36;

/** Six vectors at `from` (stride apart) through Bᵀ to `to`. */
// @ts-ignore: decorator
@inline
function transformSix(from: usize, stride: usize, to: usize, step: usize): void {
  const two = f32x4.splat(2), four = f32x4.splat(4);
  const d0 = v128.load(from), d1 = v128.load(from + stride), d2 = v128.load(from + 2 * stride);
  const d3 = v128.load(from + 3 * stride), d4 = v128.load(from + 4 * stride), d5 = v128.load(from + 5 * stride);
  const c = f32x4.sub(d4, d2);
  const f = f32x4.sub(d3, d1);
  const e = f32x4.mul(f, two);
  const a = f32x4.sub(d4, f32x4.mul(d2, four));
  const b = f32x4.sub(d3, f32x4.mul(d1, four));
  v128.store(to, multiplyAdd(f32x4.sub(d0, d2), four, c));
  v128.store(to + step, f32x4.add(a, b));
  v128.store(to + 2 * step, f32x4.sub(a, b));
  v128.store(to + 3 * step, f32x4.add(c, e));
  v128.store(to + 4 * step, f32x4.sub(c, e));
  v128.store(to + 5 * step, f32x4.sub(f32x4.sub(d5, d3), f32x4.mul(f, four)));
}

/** Bᵀ d B of one 6×6 patch; point k lands at `to + k·step`. */
function transformPatch(from: usize, rowBytes: usize, to: usize, step: usize): void {
  for (let x: usize = 0; x < 6; x++) {
    transformSix(from + x * VECTOR, rowBytes, scratch + x * VECTOR, 6 * VECTOR);
  }
  for (let y: usize = 0; y < 6; y++) {
    transformSix(scratch + y * 6 * VECTOR, VECTOR, to + y * 6 * step, step);
  }
}

/**
 * products[k][co][2] = Σ_ci weights[k][co][ci] · transformed[k][ci][2], for all points. Weights are stored as
 * [k][co / 5][ci][5]: five outputs × two tiles stay in ten registers, each weight is splat once.
 */
function multiplyPoints(weights: usize, inputs: i32, blocks: i32): void {
  let u = weights;
  let m = products;
  let row = transformed;
  for (let k = 0; k < POINTS; k++) {
    for (let block = 0; block < blocks; block++) {
      let a0 = f32x4.splat(0), a1 = f32x4.splat(0), a2 = f32x4.splat(0), a3 = f32x4.splat(0), a4 = f32x4.splat(0);
      let b0 = f32x4.splat(0), b1 = f32x4.splat(0), b2 = f32x4.splat(0), b3 = f32x4.splat(0), b4 = f32x4.splat(0);
      let v = row;
      const end = v + ((<usize>inputs) << 5);
      while (v < end) {
        const x = v128.load(v), y = v128.load(v, 16);
        let w = v128.load32_splat(u);
        a0 = multiplyAdd(w, x, a0);
        b0 = multiplyAdd(w, y, b0);
        w = v128.load32_splat(u, 4);
        a1 = multiplyAdd(w, x, a1);
        b1 = multiplyAdd(w, y, b1);
        w = v128.load32_splat(u, 8);
        a2 = multiplyAdd(w, x, a2);
        b2 = multiplyAdd(w, y, b2);
        w = v128.load32_splat(u, 12);
        a3 = multiplyAdd(w, x, a3);
        b3 = multiplyAdd(w, y, b3);
        w = v128.load32_splat(u, 16);
        a4 = multiplyAdd(w, x, a4);
        b4 = multiplyAdd(w, y, b4);
        u += 20;
        v += 32;
      }
      v128.store(m, a0);
      v128.store(m, b0, 16);
      v128.store(m, a1, 32);
      v128.store(m, b1, 48);
      v128.store(m, a2, 64);
      v128.store(m, b2, 80);
      v128.store(m, a3, 96);
      v128.store(m, b3, 112);
      v128.store(m, a4, 128);
      v128.store(m, b4, 144);
      m += 160;
    }
    row += (<usize>inputs) << 5;
  }
}

/** Six vectors through Aᵀ of F(4, 3). */
// @ts-ignore: decorator
@inline
function collectFour(from: usize, stride: usize, to: usize, step: usize): void {
  const m1 = v128.load(from + stride), m2 = v128.load(from + 2 * stride);
  const m3 = v128.load(from + 3 * stride), m4 = v128.load(from + 4 * stride);
  const s1 = f32x4.add(m1, m2), d1 = f32x4.sub(m1, m2);
  const s2 = f32x4.add(m3, m4), d2 = f32x4.sub(m3, m4);
  v128.store(to, f32x4.add(f32x4.add(v128.load(from), s1), s2));
  v128.store(to + step, multiplyAdd(d2, f32x4.splat(2), d1));
  v128.store(to + 2 * step, multiplyAdd(s2, f32x4.splat(4), s1));
  v128.store(to + 3 * step, f32x4.add(multiplyAdd(d2, f32x4.splat(8), d1), v128.load(from + 5 * stride)));
}

/** Aᵀ m A of F(4×4, 3×3) into scratch[4][4]. */
// @ts-ignore: decorator
@inline
function collectTile4(from: usize, step: usize): void {
  const half = scratch + 16 * VECTOR;
  for (let x: usize = 0; x < 6; x++) collectFour(from + x * step, 6 * step, half + x * VECTOR, 6 * VECTOR);
  for (let y: usize = 0; y < 4; y++) collectFour(half + y * 6 * VECTOR, VECTOR, scratch + y * 4 * VECTOR, VECTOR);
}

/** Max-pool 2, bias and ReLU of one 4×4 tile: 2×2 values out. */
function finishPooled(from: usize, step: usize, bias: v128, to: usize, rowBytes: usize): void {
  collectTile4(from, step);
  for (let y: usize = 0; y < 2; y++) {
    const s = scratch + y * 8 * VECTOR;
    const left = larger(larger(v128.load(s), v128.load(s, 16)), larger(v128.load(s, 64), v128.load(s, 80)));
    const right = larger(larger(v128.load(s, 32), v128.load(s, 48)), larger(v128.load(s, 96), v128.load(s, 112)));
    v128.store(to, rectify(f32x4.add(left, bias)));
    v128.store(to, rectify(f32x4.add(right, bias)), 16);
    to += rowBytes;
  }
}

/** Bias and ReLU of one 4×4 tile. */
function finishPlain(from: usize, step: usize, bias: v128, to: usize, rowBytes: usize): void {
  collectTile4(from, step);
  for (let y: usize = 0; y < 4; y++) {
    const s = scratch + y * 4 * VECTOR;
    v128.store(to, rectify(f32x4.add(v128.load(s), bias)));
    v128.store(to, rectify(f32x4.add(v128.load(s, 16), bias)), 16);
    v128.store(to, rectify(f32x4.add(v128.load(s, 32), bias)), 32);
    v128.store(to, rectify(f32x4.add(v128.load(s, 48), bias)), 48);
    to += rowBytes;
  }
}

/** Aᵀ m A of F(2×2, 5×5), max-pool 2, bias and ReLU: one value out. */
function finishSingle(from: usize, step: usize, bias: v128, to: usize): void {
  for (let x: usize = 0; x < 6; x++) {
    const at = from + x * step;
    const m1 = v128.load(at + 6 * step), m2 = v128.load(at + 12 * step);
    const m3 = v128.load(at + 18 * step), m4 = v128.load(at + 24 * step);
    const out = scratch + x * VECTOR;
    v128.store(out, f32x4.add(f32x4.add(v128.load(at), f32x4.add(m1, m2)), f32x4.add(m3, m4)));
    v128.store(out, f32x4.add(multiplyAdd(f32x4.sub(m3, m4), f32x4.splat(2), f32x4.sub(m1, m2)), v128.load(at + 30 * step)), 96);
  }
  let best = f32x4.splat(-Infinity);
  for (let y: usize = 0; y < 2; y++) {
    const s = scratch + y * 6 * VECTOR;
    const m1 = v128.load(s, 16), m2 = v128.load(s, 32), m3 = v128.load(s, 48), m4 = v128.load(s, 64);
    const even = f32x4.add(f32x4.add(v128.load(s), f32x4.add(m1, m2)), f32x4.add(m3, m4));
    const odd = f32x4.add(multiplyAdd(f32x4.sub(m3, m4), f32x4.splat(2), f32x4.sub(m1, m2)), v128.load(s, 80));
    best = larger(best, larger(even, odd));
  }
  v128.store(to, rectify(f32x4.add(best, bias)));
}

/** What the output transform of a layer does. */
export const POOLED: i32 = 0;
export const PLAIN: i32 = 1;
export const SINGLE: i32 = 2;

/**
 * One layer: `inputs` planes of `width`² → `outputs` planes, `tiles`² tiles. A tile starts every `stride` pixels, the
 * last one at `last` at most (18 is no multiple of 4: conv4 computes two rows and columns twice instead of padding).
 */
export function convolve(
  from: usize, width: i32, inputs: i32, weights: usize, bias: usize, outputs: i32,
  to: usize, outWidth: i32, tiles: i32, stride: i32, last: i32, finish: i32,
): void {
  const blocks = (outputs + TILE - 1) / TILE;
  const rowBytes = (<usize>width) * VECTOR;
  const plane = rowBytes * (<usize>width);
  const outRow = (<usize>outWidth) * VECTOR;
  const outPlane = outRow * (<usize>outWidth);
  const step = (<usize>inputs) * 2 * VECTOR;
  const productStep = (<usize>(blocks * TILE)) * 2 * VECTOR;
  // one value, 2×2 or 4×4 values a tile
  const shrink: i32 = finish == PLAIN ? 1 : 2;
  const count = tiles * tiles;
  for (let tile = 0; tile < count; tile += 2) {
    const other = tile + 1 < count ? tile + 1 : tile;
    const y0 = min(last, (tile / tiles) * stride), x0 = min(last, (tile % tiles) * stride);
    const y1 = min(last, (other / tiles) * stride), x1 = min(last, (other % tiles) * stride);
    let p0 = from + (<usize>y0) * rowBytes + (<usize>x0) * VECTOR;
    let p1 = from + (<usize>y1) * rowBytes + (<usize>x1) * VECTOR;
    let v = transformed;
    for (let ci = 0; ci < inputs; ci++) {
      transformPatch(p0, rowBytes, v, step);
      transformPatch(p1, rowBytes, v + VECTOR, step);
      p0 += plane;
      p1 += plane;
      v += 2 * VECTOR;
    }
    multiplyPoints(weights, inputs, blocks);
    let q0 = to + (<usize>(y0 / shrink)) * outRow + (<usize>(x0 / shrink)) * VECTOR;
    let q1 = to + (<usize>(y1 / shrink)) * outRow + (<usize>(x1 / shrink)) * VECTOR;
    let m = products;
    for (let co = 0; co < outputs; co++) {
      const b = v128.load32_splat(bias + ((<usize>co) << 2));
      if (finish == POOLED) {
        finishPooled(m, productStep, b, q0, outRow);
        finishPooled(m + VECTOR, productStep, b, q1, outRow);
      } else if (finish == PLAIN) {
        finishPlain(m, productStep, b, q0, outRow);
        finishPlain(m + VECTOR, productStep, b, q1, outRow);
      } else {
        finishSingle(m, productStep, b, q0);
        finishSingle(m + VECTOR, productStep, b, q1);
      }
      m += 2 * VECTOR;
      q0 += outPlane;
      q1 += outPlane;
    }
  }
}

// @ts-ignore: decorator
@inline
function min(a: i32, b: i32): i32 {
  return a < b ? a : b;
}
