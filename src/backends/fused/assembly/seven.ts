// localization.0: 7×7 on the one plane of pixels, max-pool 2, ReLU. The kernel is split into four of 4×4 (7 = 4 + 3,
// a zero behind), each computed as Winograd F(4×4, 4×4) on the seven points 0, ±1, ±2, ½, ∞. A tile's second half reads
// what the next tile's first half reads, so the four share one transform of the pixels: 12¼ multiplications a value
// where the definition has 49.
import { FOURS, HALVES, larger, multiplyAdd, multiplySubtract, rectify, VECTOR } from "./vector";
import { PLANE, MAP_SEVEN, products, transformed } from "./plan";

/** Tiles a side, and the windows they read: 11 tiles of 4 cover 42 values; what lies behind is never read. */
const TILES: usize = 11;
const WINDOWS: usize = 12;
const ROW: usize = (<usize>PLANE) * VECTOR;
/** Bytes of one window's 49 points, and of one row of windows. */
const WINDOW: usize = 49 * VECTOR;
const WINDOW_ROW: usize = WINDOWS * WINDOW;
/** Bytes of one point (two tiles) and of one channel's points. */
const POINT: usize = 2 * VECTOR;
const CHANNEL: usize = 49 * POINT;
/** Seven rows of pixels after the vertical transform; a tile between its transforms; a finished 4×4 tile. */
const STRIP: usize = memory.data(7 * 52 * 16, 64);
const ROWS: usize = memory.data(28 * 16, 64);
const TILE4: usize = memory.data(16 * 16, 64);

/**
 * Seven vectors at `from` through Bᵀ to `to`. With r the rows of the five points 0, ±1, ±2 (winograd.ts) on d0…d4 and
 * r′ on d1…d5, the point ½ more makes them r′ − r/2, and r′ of the point 0 is the row of ½.
 */
// @ts-ignore: decorator
@inline
function transformSeven(from: usize, stride: usize, to: usize, step: usize, four: v128, half: v128): void {
  const d1 = v128.load(from + stride), d2 = v128.load(from + 2 * stride);
  const d3 = v128.load(from + 3 * stride), d4 = v128.load(from + 4 * stride), d5 = v128.load(from + 5 * stride);
  const a = multiplySubtract(d2, four, d4), b = multiplySubtract(d1, four, d3);
  const g = multiplySubtract(d3, four, d5);
  v128.store(to + step, multiplySubtract(f32x4.add(a, b), half, f32x4.add(g, a)));
  v128.store(to + 2 * step, multiplySubtract(f32x4.sub(a, b), half, f32x4.sub(g, a)));
  const c = f32x4.sub(d4, d2), f = f32x4.sub(d3, d1), h = f32x4.sub(d5, d3);
  const e = f32x4.add(f, f), i = f32x4.add(c, c);
  v128.store(to + 3 * step, multiplySubtract(f32x4.add(c, e), half, f32x4.add(h, i)));
  v128.store(to + 4 * step, multiplySubtract(f32x4.sub(c, e), half, f32x4.sub(h, i)));
  const zero = multiplyAdd(f32x4.sub(v128.load(from), d2), four, c);
  const shifted = multiplySubtract(f, four, h);
  v128.store(to, multiplySubtract(zero, half, shifted));
  v128.store(to + 5 * step, shifted);
  const last = multiplySubtract(c, four, f32x4.sub(v128.load(from + 6 * stride), d4));
  v128.store(to + 6 * step, multiplySubtract(shifted, half, last));
}

/** The twelve windows whose first row of pixels is at `from`. */
function transformWindows(from: usize, to: usize): void {
  const four = v128.load(FOURS), half = v128.load(HALVES);
  for (let x: usize = 0; x < <usize>PLANE * VECTOR; x += VECTOR) {
    transformSeven(from + x, ROW, STRIP + x, ROW, four, half);
  }
  for (let x: usize = 0; x < WINDOWS; x++) {
    const strip = STRIP + x * 4 * VECTOR;
    transformSeven(strip, VECTOR, to, VECTOR, four, half);
    transformSeven(strip + ROW, VECTOR, to + 7 * VECTOR, VECTOR, four, half);
    transformSeven(strip + 2 * ROW, VECTOR, to + 14 * VECTOR, VECTOR, four, half);
    transformSeven(strip + 3 * ROW, VECTOR, to + 21 * VECTOR, VECTOR, four, half);
    transformSeven(strip + 4 * ROW, VECTOR, to + 28 * VECTOR, VECTOR, four, half);
    transformSeven(strip + 5 * ROW, VECTOR, to + 35 * VECTOR, VECTOR, four, half);
    transformSeven(strip + 6 * ROW, VECTOR, to + 42 * VECTOR, VECTOR, four, half);
    to += WINDOW;
  }
}

/**
 * products[co][k][2] of two neighboring tiles from the windows at `upper` and `lower`. Weights
 * [k][co / 4][quarter of the kernel][4].
 */
function multiplyWindows(upper: usize, lower: usize, weights: usize, blocks: i32): void {
  let u = weights;
  for (let k: usize = 0; k < 49; k++) {
    let m = products + k * POINT;
    for (let block = 0; block < blocks; block++) {
      let v = v128.load(upper), w = v128.load(upper + WINDOW);
      let q = v128.load32_splat(u);
      let a0 = f32x4.mul(q, v), b0 = f32x4.mul(q, w);
      q = v128.load32_splat(u, 4);
      let a1 = f32x4.mul(q, v), b1 = f32x4.mul(q, w);
      q = v128.load32_splat(u, 8);
      let a2 = f32x4.mul(q, v), b2 = f32x4.mul(q, w);
      q = v128.load32_splat(u, 12);
      let a3 = f32x4.mul(q, v), b3 = f32x4.mul(q, w);
      v = v128.load(upper + 2 * WINDOW);
      q = v128.load32_splat(u, 16);
      a0 = multiplyAdd(q, w, a0);
      b0 = multiplyAdd(q, v, b0);
      q = v128.load32_splat(u, 20);
      a1 = multiplyAdd(q, w, a1);
      b1 = multiplyAdd(q, v, b1);
      q = v128.load32_splat(u, 24);
      a2 = multiplyAdd(q, w, a2);
      b2 = multiplyAdd(q, v, b2);
      q = v128.load32_splat(u, 28);
      a3 = multiplyAdd(q, w, a3);
      b3 = multiplyAdd(q, v, b3);
      v = v128.load(lower);
      w = v128.load(lower + WINDOW);
      q = v128.load32_splat(u, 32);
      a0 = multiplyAdd(q, v, a0);
      b0 = multiplyAdd(q, w, b0);
      q = v128.load32_splat(u, 36);
      a1 = multiplyAdd(q, v, a1);
      b1 = multiplyAdd(q, w, b1);
      q = v128.load32_splat(u, 40);
      a2 = multiplyAdd(q, v, a2);
      b2 = multiplyAdd(q, w, b2);
      q = v128.load32_splat(u, 44);
      a3 = multiplyAdd(q, v, a3);
      b3 = multiplyAdd(q, w, b3);
      v = v128.load(lower + 2 * WINDOW);
      q = v128.load32_splat(u, 48);
      v128.store(m, multiplyAdd(q, w, a0));
      v128.store(m, multiplyAdd(q, v, b0), 16);
      q = v128.load32_splat(u, 52);
      v128.store(m + CHANNEL, multiplyAdd(q, w, a1));
      v128.store(m + CHANNEL, multiplyAdd(q, v, b1), 16);
      q = v128.load32_splat(u, 56);
      v128.store(m + 2 * CHANNEL, multiplyAdd(q, w, a2));
      v128.store(m + 2 * CHANNEL, multiplyAdd(q, v, b2), 16);
      q = v128.load32_splat(u, 60);
      v128.store(m + 3 * CHANNEL, multiplyAdd(q, w, a3));
      v128.store(m + 3 * CHANNEL, multiplyAdd(q, v, b3), 16);
      u += 64;
      m += 4 * CHANNEL;
    }
    upper += VECTOR;
    lower += VECTOR;
  }
}

/** Seven vectors through Aᵀ of F(4, 4). */
// @ts-ignore: decorator
@inline
function collectFour(from: usize, stride: usize, to: usize, step: usize, four: v128, half: v128): void {
  const m1 = v128.load(from + stride), m2 = v128.load(from + 2 * stride);
  const m3 = v128.load(from + 3 * stride), m4 = v128.load(from + 4 * stride);
  const p0 = v128.load(from + 5 * stride);
  const s1 = f32x4.add(m1, m2), d1 = f32x4.sub(m1, m2);
  const s2 = f32x4.add(m3, m4), d2 = f32x4.sub(m3, m4);
  const twice = f32x4.add(d2, d2);
  const p1 = f32x4.mul(p0, half);
  const p2 = f32x4.mul(p1, half);
  v128.store(to, f32x4.add(f32x4.add(v128.load(from), p0), f32x4.add(s1, s2)));
  v128.store(to + step, f32x4.add(f32x4.add(d1, p1), twice));
  v128.store(to + 2 * step, multiplyAdd(s2, four, f32x4.add(s1, p2)));
  const third = multiplyAdd(p2, half, f32x4.add(d1, v128.load(from + 6 * stride)));
  v128.store(to + 3 * step, multiplyAdd(twice, four, third));
}

/** Aᵀ m A, max-pool 2, bias and ReLU: 2×2 values out. */
function finishSeven(from: usize, bias: v128, to: usize): void {
  const four = v128.load(FOURS), half = v128.load(HALVES);
  collectFour(from, 7 * POINT, ROWS, 7 * VECTOR, four, half);
  collectFour(from + POINT, 7 * POINT, ROWS + VECTOR, 7 * VECTOR, four, half);
  collectFour(from + 2 * POINT, 7 * POINT, ROWS + 2 * VECTOR, 7 * VECTOR, four, half);
  collectFour(from + 3 * POINT, 7 * POINT, ROWS + 3 * VECTOR, 7 * VECTOR, four, half);
  collectFour(from + 4 * POINT, 7 * POINT, ROWS + 4 * VECTOR, 7 * VECTOR, four, half);
  collectFour(from + 5 * POINT, 7 * POINT, ROWS + 5 * VECTOR, 7 * VECTOR, four, half);
  collectFour(from + 6 * POINT, 7 * POINT, ROWS + 6 * VECTOR, 7 * VECTOR, four, half);
  collectFour(ROWS, VECTOR, TILE4, VECTOR, four, half);
  collectFour(ROWS + 7 * VECTOR, VECTOR, TILE4 + 4 * VECTOR, VECTOR, four, half);
  collectFour(ROWS + 14 * VECTOR, VECTOR, TILE4 + 8 * VECTOR, VECTOR, four, half);
  collectFour(ROWS + 21 * VECTOR, VECTOR, TILE4 + 12 * VECTOR, VECTOR, four, half);
  for (let y: usize = 0; y < 2; y++) {
    const s = TILE4 + y * 8 * VECTOR;
    const left = larger(larger(v128.load(s), v128.load(s, 16)), larger(v128.load(s, 64), v128.load(s, 80)));
    const right = larger(larger(v128.load(s, 32), v128.load(s, 48)), larger(v128.load(s, 96), v128.load(s, 112)));
    v128.store(to, rectify(f32x4.add(left, bias)));
    v128.store(to, rectify(f32x4.add(right, bias)), 16);
    to += <usize>MAP_SEVEN * VECTOR;
  }
}

/** `from` [52][52], zeros behind the 48 → `to` [outputs][22][22], of which the last row and column mean nothing. */
export function convolveSeven(from: usize, weights: usize, bias: usize, outputs: i32, to: usize): void {
  const blocks = (outputs + 3) / 4;
  transformWindows(from, transformed);
  for (let y: usize = 0; y < TILES; y++) {
    const upper = transformed + (y & 1) * WINDOW_ROW, lower = transformed + ((y + 1) & 1) * WINDOW_ROW;
    transformWindows(from + (y + 1) * 4 * ROW, lower);
    // The eleventh tile goes with the tenth once more.
    for (let x: usize = 0; x < TILES; x += x == 8 ? 1 : 2) {
      multiplyWindows(upper + x * WINDOW, lower + x * WINDOW, weights, blocks);
      let q = to + (y * 2 * <usize>MAP_SEVEN + x * 2) * VECTOR;
      let m = products;
      for (let co = 0; co < outputs; co++) {
        const b = v128.load32_splat(bias + ((<usize>co) << 2));
        finishSeven(m, b, q);
        finishSeven(m + VECTOR, b, q + 2 * VECTOR);
        m += CHANNEL;
        q += <usize>(MAP_SEVEN * MAP_SEVEN) * VECTOR;
      }
      if (x == 9) break;
    }
  }
}
