// 3×3 convolution as Winograd F(4×4, 3×3) and 5×5 as F(2×2, 5×5) (Lavin and Gray 2015, "Fast Algorithms for
// Convolutional Neural Networks"): both use the six points 0, ±1, ±2, ∞, so they share the input transform and the
// multiplication and differ in the output transform alone. Two tiles of four faces go through together.
import { FOURS, larger, multiplyAdd, multiplySubtract, rectify, VECTOR } from "./vector";
import { TILE, transformed, products } from "./plan";

/** Points of the transformed 6×6 tile. */
const POINTS: usize = 36;
/** Bytes of one point (two tiles) and of one channel's points. */
const POINT: usize = 2 * VECTOR;
const CHANNEL: usize = POINTS * POINT;
/** A tile between its two one-dimensional transforms, and a finished 4×4 tile. */
const ROWS: usize = memory.data(36 * 16, 64);
const TILE4: usize = memory.data(16 * 16, 64);

/** Six vectors at `from` (stride apart) through Bᵀ to `to`. */
// @ts-ignore: decorator
@inline
export function transformSix(from: usize, stride: usize, to: usize, step: usize, four: v128): void {
  const d1 = v128.load(from + stride), d2 = v128.load(from + 2 * stride);
  const d3 = v128.load(from + 3 * stride), d4 = v128.load(from + 4 * stride);
  const a = multiplySubtract(d2, four, d4);
  const b = multiplySubtract(d1, four, d3);
  v128.store(to + step, f32x4.add(a, b));
  v128.store(to + 2 * step, f32x4.sub(a, b));
  const c = f32x4.sub(d4, d2);
  const f = f32x4.sub(d3, d1);
  const e = f32x4.add(f, f);
  v128.store(to + 3 * step, f32x4.add(c, e));
  v128.store(to + 4 * step, f32x4.sub(c, e));
  v128.store(to, multiplyAdd(f32x4.sub(v128.load(from), d2), four, c));
  v128.store(to + 5 * step, multiplySubtract(f, four, f32x4.sub(v128.load(from + 5 * stride), d3)));
}

/** Bᵀ d B of one 6×6 patch; point k lands at `to + k·POINT`. */
function transformPatch(from: usize, rowBytes: usize, to: usize): void {
  const four = v128.load(FOURS);
  transformSix(from + 0 * VECTOR, rowBytes, ROWS + 0 * VECTOR, 6 * VECTOR, four);
  transformSix(from + 1 * VECTOR, rowBytes, ROWS + 1 * VECTOR, 6 * VECTOR, four);
  transformSix(from + 2 * VECTOR, rowBytes, ROWS + 2 * VECTOR, 6 * VECTOR, four);
  transformSix(from + 3 * VECTOR, rowBytes, ROWS + 3 * VECTOR, 6 * VECTOR, four);
  transformSix(from + 4 * VECTOR, rowBytes, ROWS + 4 * VECTOR, 6 * VECTOR, four);
  transformSix(from + 5 * VECTOR, rowBytes, ROWS + 5 * VECTOR, 6 * VECTOR, four);
  transformSix(ROWS + 0 * VECTOR, VECTOR, to + 0 * POINT, POINT, four);
  transformSix(ROWS + 6 * VECTOR, VECTOR, to + 6 * POINT, POINT, four);
  transformSix(ROWS + 12 * VECTOR, VECTOR, to + 12 * POINT, POINT, four);
  transformSix(ROWS + 18 * VECTOR, VECTOR, to + 18 * POINT, POINT, four);
  transformSix(ROWS + 24 * VECTOR, VECTOR, to + 24 * POINT, POINT, four);
  transformSix(ROWS + 30 * VECTOR, VECTOR, to + 30 * POINT, POINT, four);
}

/**
 * products[co][k][2] = Σ_ci weights[k][co][ci] · transformed[ci][k][2], for all points. Weights are stored as
 * [k][co / 5][ci][5]: five outputs × two tiles stay in ten registers, each weight is splat once.
 */
function multiplyPoints(weights: usize, inputs: i32, blocks: i32): void {
  let u = weights;
  const size = (<usize>inputs) * CHANNEL;
  for (let k: usize = 0; k < POINTS; k++) {
    let m = products + k * POINT;
    const row = transformed + k * POINT;
    const end = row + size;
    for (let block = 0; block < blocks; block++) {
      let a0 = f32x4.splat(0), a1 = f32x4.splat(0), a2 = f32x4.splat(0), a3 = f32x4.splat(0), a4 = f32x4.splat(0);
      let b0 = f32x4.splat(0), b1 = f32x4.splat(0), b2 = f32x4.splat(0), b3 = f32x4.splat(0), b4 = f32x4.splat(0);
      let v = row;
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
        v += CHANNEL;
      }
      v128.store(m, a0);
      v128.store(m, b0, 16);
      v128.store(m + CHANNEL, a1);
      v128.store(m + CHANNEL, b1, 16);
      v128.store(m + 2 * CHANNEL, a2);
      v128.store(m + 2 * CHANNEL, b2, 16);
      v128.store(m + 3 * CHANNEL, a3);
      v128.store(m + 3 * CHANNEL, b3, 16);
      v128.store(m + 4 * CHANNEL, a4);
      v128.store(m + 4 * CHANNEL, b4, 16);
      m += 5 * CHANNEL;
    }
  }
}

/** Six vectors through Aᵀ of F(4, 3). */
// @ts-ignore: decorator
@inline
export function collectFour(from: usize, stride: usize, to: usize, step: usize, four: v128): void {
  const m1 = v128.load(from + stride), m2 = v128.load(from + 2 * stride);
  const m3 = v128.load(from + 3 * stride), m4 = v128.load(from + 4 * stride);
  const s1 = f32x4.add(m1, m2), d1 = f32x4.sub(m1, m2);
  const s2 = f32x4.add(m3, m4), d2 = f32x4.sub(m3, m4);
  const twice = f32x4.add(d2, d2);
  v128.store(to, f32x4.add(f32x4.add(v128.load(from), s1), s2));
  v128.store(to + step, f32x4.add(d1, twice));
  v128.store(to + 2 * step, multiplyAdd(s2, four, s1));
  v128.store(to + 3 * step, f32x4.add(multiplyAdd(twice, four, d1), v128.load(from + 5 * stride)));
}

/** Aᵀ m A of F(4×4, 3×3) into TILE4. */
// @ts-ignore: decorator
@inline
function collectTile4(from: usize): void {
  const four = v128.load(FOURS);
  collectFour(from, 6 * POINT, ROWS, 6 * VECTOR, four);
  collectFour(from + POINT, 6 * POINT, ROWS + VECTOR, 6 * VECTOR, four);
  collectFour(from + 2 * POINT, 6 * POINT, ROWS + 2 * VECTOR, 6 * VECTOR, four);
  collectFour(from + 3 * POINT, 6 * POINT, ROWS + 3 * VECTOR, 6 * VECTOR, four);
  collectFour(from + 4 * POINT, 6 * POINT, ROWS + 4 * VECTOR, 6 * VECTOR, four);
  collectFour(from + 5 * POINT, 6 * POINT, ROWS + 5 * VECTOR, 6 * VECTOR, four);
  collectFour(ROWS, VECTOR, TILE4, VECTOR, four);
  collectFour(ROWS + 6 * VECTOR, VECTOR, TILE4 + 4 * VECTOR, VECTOR, four);
  collectFour(ROWS + 12 * VECTOR, VECTOR, TILE4 + 8 * VECTOR, VECTOR, four);
  collectFour(ROWS + 18 * VECTOR, VECTOR, TILE4 + 12 * VECTOR, VECTOR, four);
}

/** Max-pool 2, bias and ReLU of one 4×4 tile: 2×2 values out. */
function finishPooled(from: usize, bias: v128, to: usize, rowBytes: usize): void {
  collectTile4(from);
  for (let y: usize = 0; y < 2; y++) {
    const s = TILE4 + y * 8 * VECTOR;
    const left = larger(larger(v128.load(s), v128.load(s, 16)), larger(v128.load(s, 64), v128.load(s, 80)));
    const right = larger(larger(v128.load(s, 32), v128.load(s, 48)), larger(v128.load(s, 96), v128.load(s, 112)));
    v128.store(to, rectify(f32x4.add(left, bias)));
    v128.store(to, rectify(f32x4.add(right, bias)), 16);
    to += rowBytes;
  }
}

/** Bias and ReLU of one 4×4 tile. */
function finishPlain(from: usize, bias: v128, to: usize, rowBytes: usize): void {
  collectTile4(from);
  for (let y: usize = 0; y < 4; y++) {
    const s = TILE4 + y * 4 * VECTOR;
    v128.store(to, rectify(f32x4.add(v128.load(s), bias)));
    v128.store(to, rectify(f32x4.add(v128.load(s, 16), bias)), 16);
    v128.store(to, rectify(f32x4.add(v128.load(s, 32), bias)), 32);
    v128.store(to, rectify(f32x4.add(v128.load(s, 48), bias)), 48);
    to += rowBytes;
  }
}

/** Six vectors through Aᵀ of F(2, 5): the two sums. */
// @ts-ignore: decorator
@inline
function collectEven(from: usize, stride: usize): v128 {
  const s1 = f32x4.add(v128.load(from + stride), v128.load(from + 2 * stride));
  const s2 = f32x4.add(v128.load(from + 3 * stride), v128.load(from + 4 * stride));
  return f32x4.add(v128.load(from), f32x4.add(s1, s2));
}

// @ts-ignore: decorator
@inline
function collectOdd(from: usize, stride: usize): v128 {
  const d1 = f32x4.sub(v128.load(from + stride), v128.load(from + 2 * stride));
  const d2 = f32x4.sub(v128.load(from + 3 * stride), v128.load(from + 4 * stride));
  return f32x4.add(f32x4.add(d1, v128.load(from + 5 * stride)), f32x4.add(d2, d2));
}

/** Aᵀ m A of F(2×2, 5×5), max-pool 2, bias and ReLU: one value out. */
function finishSingle(from: usize, bias: v128, to: usize): void {
  for (let x: usize = 0; x < 6; x++) {
    v128.store(ROWS + x * VECTOR, collectEven(from + x * POINT, 6 * POINT));
    v128.store(ROWS + (x + 6) * VECTOR, collectOdd(from + x * POINT, 6 * POINT));
  }
  const upper = larger(collectEven(ROWS, VECTOR), collectOdd(ROWS, VECTOR));
  const lower = larger(collectEven(ROWS + 6 * VECTOR, VECTOR), collectOdd(ROWS + 6 * VECTOR, VECTOR));
  v128.store(to, rectify(f32x4.add(larger(upper, lower), bias)));
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
      transformPatch(p0, rowBytes, v);
      transformPatch(p1, rowBytes, v + VECTOR);
      p0 += plane;
      p1 += plane;
      v += CHANNEL;
    }
    multiplyPoints(weights, inputs, blocks);
    let q0 = to + (<usize>(y0 / shrink)) * outRow + (<usize>(x0 / shrink)) * VECTOR;
    let q1 = to + (<usize>(y1 / shrink)) * outRow + (<usize>(x1 / shrink)) * VECTOR;
    let m = products;
    for (let co = 0; co < outputs; co++) {
      const b = v128.load32_splat(bias + ((<usize>co) << 2));
      if (finish == POOLED) {
        finishPooled(m, b, q0, outRow);
        finishPooled(m + VECTOR, b, q1, outRow);
      } else if (finish == PLAIN) {
        finishPlain(m, b, q0, outRow);
        finishPlain(m + VECTOR, b, q1, outRow);
      } else {
        finishSingle(m, b, q0);
        finishSingle(m + VECTOR, b, q1);
      }
      m += CHANNEL;
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
