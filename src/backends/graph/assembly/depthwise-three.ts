// 3×3 convolutions of each channel by itself: four outputs of a row go together, and two rows where they can.
import { multiplyAdd, VECTOR } from "../../fused/assembly/vector";

/** Outputs of a row that are computed together; a row has at least so many. */
export const THREE_TILE: i32 = 4;

/** 3×3, stride 1. */
export function slideThree(
  from: usize, row: usize, pitch: usize, columns: i32, weights: usize, bias: v128, floor: v128,
  to: usize, toPitch: usize,
): void {
  for (let column = 0; column < columns; column += THREE_TILE) {
    const x = <usize>min(column, columns - THREE_TILE);
    let p = from + x * pitch;
    let w = weights;
    let a0 = bias, a1 = bias, a2 = bias, a3 = bias;
    for (let y = 0; y < 3; y++) {
      const left = v128.load(w), middle = v128.load(w, 16), right = v128.load(w, 32);
      let q = p;
      a0 = multiplyAdd(v128.load(q), left, a0);
      q += pitch;
      let c = v128.load(q);
      a0 = multiplyAdd(c, middle, a0);
      a1 = multiplyAdd(c, left, a1);
      q += pitch;
      c = v128.load(q);
      a0 = multiplyAdd(c, right, a0);
      a1 = multiplyAdd(c, middle, a1);
      a2 = multiplyAdd(c, left, a2);
      q += pitch;
      c = v128.load(q);
      a1 = multiplyAdd(c, right, a1);
      a2 = multiplyAdd(c, middle, a2);
      a3 = multiplyAdd(c, left, a3);
      q += pitch;
      c = v128.load(q);
      a2 = multiplyAdd(c, right, a2);
      a3 = multiplyAdd(c, middle, a3);
      a3 = multiplyAdd(v128.load(q + pitch), right, a3);
      w += 3 * VECTOR;
      p += row;
    }
    putFour(to + x * toPitch, toPitch, a0, a1, a2, a3, floor);
  }
}

/** 3×3, stride 1, two rows of outputs: a pixel is loaded once for both. */
export function slideTwoRows(
  from: usize, row: usize, pitch: usize, columns: i32, weights: usize, bias: v128, floor: v128,
  to: usize, toRow: usize, toPitch: usize,
): void {
  for (let column = 0; column < columns; column += THREE_TILE) {
    const first = <usize>min(column, columns - THREE_TILE);
    let p = from + first * pitch;
    let a0 = bias, a1 = bias, a2 = bias, a3 = bias;
    let b0 = bias, b1 = bias, b2 = bias, b3 = bias;
    const l0 = v128.load(weights), m0 = v128.load(weights, 16), r0 = v128.load(weights, 32);
    let q = p;
    let x = v128.load(q);
    a0 = multiplyAdd(x, l0, a0);
    q += pitch;
    x = v128.load(q);
    a1 = multiplyAdd(x, l0, a1);
    a0 = multiplyAdd(x, m0, a0);
    q += pitch;
    x = v128.load(q);
    a2 = multiplyAdd(x, l0, a2);
    a1 = multiplyAdd(x, m0, a1);
    a0 = multiplyAdd(x, r0, a0);
    q += pitch;
    x = v128.load(q);
    a3 = multiplyAdd(x, l0, a3);
    a2 = multiplyAdd(x, m0, a2);
    a1 = multiplyAdd(x, r0, a1);
    q += pitch;
    x = v128.load(q);
    a3 = multiplyAdd(x, m0, a3);
    a2 = multiplyAdd(x, r0, a2);
    q += pitch;
    x = v128.load(q);
    a3 = multiplyAdd(x, r0, a3);
    p += row;
    const l1 = v128.load(weights, 48), m1 = v128.load(weights, 64), r1 = v128.load(weights, 80);
    q = p;
    x = v128.load(q);
    a0 = multiplyAdd(x, l1, a0);
    b0 = multiplyAdd(x, l0, b0);
    q += pitch;
    x = v128.load(q);
    a1 = multiplyAdd(x, l1, a1);
    a0 = multiplyAdd(x, m1, a0);
    b1 = multiplyAdd(x, l0, b1);
    b0 = multiplyAdd(x, m0, b0);
    q += pitch;
    x = v128.load(q);
    a2 = multiplyAdd(x, l1, a2);
    a1 = multiplyAdd(x, m1, a1);
    a0 = multiplyAdd(x, r1, a0);
    b2 = multiplyAdd(x, l0, b2);
    b1 = multiplyAdd(x, m0, b1);
    b0 = multiplyAdd(x, r0, b0);
    q += pitch;
    x = v128.load(q);
    a3 = multiplyAdd(x, l1, a3);
    a2 = multiplyAdd(x, m1, a2);
    a1 = multiplyAdd(x, r1, a1);
    b3 = multiplyAdd(x, l0, b3);
    b2 = multiplyAdd(x, m0, b2);
    b1 = multiplyAdd(x, r0, b1);
    q += pitch;
    x = v128.load(q);
    a3 = multiplyAdd(x, m1, a3);
    a2 = multiplyAdd(x, r1, a2);
    b3 = multiplyAdd(x, m0, b3);
    b2 = multiplyAdd(x, r0, b2);
    q += pitch;
    x = v128.load(q);
    a3 = multiplyAdd(x, r1, a3);
    b3 = multiplyAdd(x, r0, b3);
    p += row;
    const l2 = v128.load(weights, 96), m2 = v128.load(weights, 112), r2 = v128.load(weights, 128);
    q = p;
    x = v128.load(q);
    a0 = multiplyAdd(x, l2, a0);
    b0 = multiplyAdd(x, l1, b0);
    q += pitch;
    x = v128.load(q);
    a1 = multiplyAdd(x, l2, a1);
    a0 = multiplyAdd(x, m2, a0);
    b1 = multiplyAdd(x, l1, b1);
    b0 = multiplyAdd(x, m1, b0);
    q += pitch;
    x = v128.load(q);
    a2 = multiplyAdd(x, l2, a2);
    a1 = multiplyAdd(x, m2, a1);
    a0 = multiplyAdd(x, r2, a0);
    b2 = multiplyAdd(x, l1, b2);
    b1 = multiplyAdd(x, m1, b1);
    b0 = multiplyAdd(x, r1, b0);
    q += pitch;
    x = v128.load(q);
    a3 = multiplyAdd(x, l2, a3);
    a2 = multiplyAdd(x, m2, a2);
    a1 = multiplyAdd(x, r2, a1);
    b3 = multiplyAdd(x, l1, b3);
    b2 = multiplyAdd(x, m1, b2);
    b1 = multiplyAdd(x, r1, b1);
    q += pitch;
    x = v128.load(q);
    a3 = multiplyAdd(x, m2, a3);
    a2 = multiplyAdd(x, r2, a2);
    b3 = multiplyAdd(x, m1, b3);
    b2 = multiplyAdd(x, r1, b2);
    q += pitch;
    x = v128.load(q);
    a3 = multiplyAdd(x, r2, a3);
    b3 = multiplyAdd(x, r1, b3);
    p += row;
    q = p;
    x = v128.load(q);
    b0 = multiplyAdd(x, l2, b0);
    q += pitch;
    x = v128.load(q);
    b1 = multiplyAdd(x, l2, b1);
    b0 = multiplyAdd(x, m2, b0);
    q += pitch;
    x = v128.load(q);
    b2 = multiplyAdd(x, l2, b2);
    b1 = multiplyAdd(x, m2, b1);
    b0 = multiplyAdd(x, r2, b0);
    q += pitch;
    x = v128.load(q);
    b3 = multiplyAdd(x, l2, b3);
    b2 = multiplyAdd(x, m2, b2);
    b1 = multiplyAdd(x, r2, b1);
    q += pitch;
    x = v128.load(q);
    b3 = multiplyAdd(x, m2, b3);
    b2 = multiplyAdd(x, r2, b2);
    q += pitch;
    x = v128.load(q);
    b3 = multiplyAdd(x, r2, b3);
    const target = to + first * toPitch;
    putFour(target, toPitch, a0, a1, a2, a3, floor);
    putFour(target + toRow, toPitch, b0, b1, b2, b3, floor);
  }
}

/** 3×3, stride 2. */
export function leapThree(
  from: usize, row: usize, pitch: usize, columns: i32, weights: usize, bias: v128, floor: v128,
  to: usize, toPitch: usize,
): void {
  const pitch2 = 2 * pitch;
  for (let column = 0; column < columns; column += THREE_TILE) {
    const x = <usize>min(column, columns - THREE_TILE);
    let p = from + x * pitch2;
    let w = weights;
    let a0 = bias, a1 = bias, a2 = bias, a3 = bias;
    for (let y = 0; y < 3; y++) {
      const left = v128.load(w), middle = v128.load(w, 16), right = v128.load(w, 32);
      let q = p;
      a0 = multiplyAdd(v128.load(q), left, a0);
      a0 = multiplyAdd(v128.load(q + pitch), middle, a0);
      q += pitch2;
      let c = v128.load(q);
      a0 = multiplyAdd(c, right, a0);
      a1 = multiplyAdd(c, left, a1);
      a1 = multiplyAdd(v128.load(q + pitch), middle, a1);
      q += pitch2;
      c = v128.load(q);
      a1 = multiplyAdd(c, right, a1);
      a2 = multiplyAdd(c, left, a2);
      a2 = multiplyAdd(v128.load(q + pitch), middle, a2);
      q += pitch2;
      c = v128.load(q);
      a2 = multiplyAdd(c, right, a2);
      a3 = multiplyAdd(c, left, a3);
      a3 = multiplyAdd(v128.load(q + pitch), middle, a3);
      a3 = multiplyAdd(v128.load(q + pitch2), right, a3);
      w += 3 * VECTOR;
      p += row;
    }
    putFour(to + x * toPitch, toPitch, a0, a1, a2, a3, floor);
  }
}

// @ts-ignore: decorator
@inline
function putFour(to: usize, pitch: usize, a: v128, b: v128, c: v128, d: v128, floor: v128): void {
  v128.store(to, f32x4.pmax(a, floor));
  v128.store(to + pitch, f32x4.pmax(b, floor));
  v128.store(to + 2 * pitch, f32x4.pmax(c, floor));
  v128.store(to + 3 * pitch, f32x4.pmax(d, floor));
}
