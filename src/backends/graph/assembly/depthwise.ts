// Convolutions of each channel by itself: the nine weights of four channels stay in registers, four outputs go together.
import { multiplyAdd, VECTOR } from "../../fused/assembly/vector";
import { activateAt, findFloor, isRare } from "./activation";

/** Outputs computed together. */
const TILE: i32 = 4;

/**
 * One row of outputs. `from` is the first window's corner; the input has rows of `row` bytes and pixels of `pitch`
 * bytes, the output pixels of `toPitch`. Weights are [channels / 4][taps][4].
 */
export function convolveDepthwise(
  from: usize, row: usize, pitch: usize, stride: i32, columns: i32, vectors: i32,
  weights: usize, bias: usize, taps: usize, tapCount: i32, kind: i32, slopes: usize, to: usize, toPitch: usize,
): void {
  const square = tapCount == 0, floor = findFloor(kind), first = to;
  for (let vector = 0; vector < vectors; vector++) {
    if (square && columns >= TILE) {
      if (stride == 1) slideThree(from, row, pitch, columns, weights, v128.load(bias), floor, to, toPitch);
      else leapThree(from, row, pitch, columns, weights, v128.load(bias), floor, to, toPitch);
    } else if (square) {
      convolveAnyThree(from, row, pitch, stride, columns, weights, v128.load(bias), floor, to, toPitch);
    } else {
      convolveAny(from, pitch, stride, columns, weights, v128.load(bias), taps, tapCount, floor, to, toPitch);
    }
    weights += <usize>(square ? 9 : tapCount) * VECTOR;
    from += VECTOR;
    to += VECTOR;
    bias += VECTOR;
  }
  if (isRare(kind)) activateRow(columns, vectors, first, toPitch, kind, slopes);
}

/** Activates what is stored, where the activation is more than a floor. */
function activateRow(columns: i32, vectors: i32, to: usize, toPitch: usize, kind: i32, slopes: usize): void {
  for (let column = 0; column < columns; column++) {
    for (let k: usize = 0; k < (<usize>vectors) * VECTOR; k += VECTOR) {
      v128.store(to + k, activateAt(v128.load(to + k), kind, slopes + k));
    }
    to += toPitch;
  }
}

/** 3×3, stride 1. */
function slideThree(
  from: usize, row: usize, pitch: usize, columns: i32, weights: usize, bias: v128, floor: v128,
  to: usize, toPitch: usize,
): void {
  for (let column = 0; column < columns; column += TILE) {
    const x = <usize>min(column, columns - TILE);
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

/** 3×3, stride 2. */
function leapThree(
  from: usize, row: usize, pitch: usize, columns: i32, weights: usize, bias: v128, floor: v128,
  to: usize, toPitch: usize,
): void {
  const pitch2 = 2 * pitch;
  for (let column = 0; column < columns; column += TILE) {
    const x = <usize>min(column, columns - TILE);
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

/** 3×3 of fewer than four columns. */
function convolveAnyThree(
  from: usize, row: usize, pitch: usize, stride: i32, columns: i32, weights: usize, bias: v128, floor: v128,
  to: usize, toPitch: usize,
): void {
  for (let column = 0; column < columns; column++) {
    let a = bias;
    let w = weights;
    for (let y: usize = 0; y < 3; y++) {
      for (let x: usize = 0; x < 3; x++) {
        a = multiplyAdd(v128.load(from + y * row + x * pitch), v128.load(w), a);
        w += VECTOR;
      }
    }
    v128.store(to, f32x4.pmax(a, floor));
    from += (<usize>stride) * pitch;
    to += toPitch;
  }
}

/** Any window: `taps` are the offsets of its pixels. */
function convolveAny(
  from: usize, pitch: usize, stride: i32, columns: i32, weights: usize, bias: v128, taps: usize, tapCount: i32,
  floor: v128, to: usize, toPitch: usize,
): void {
  for (let column = 0; column < columns; column++) {
    let a = bias;
    for (let tap: usize = 0; tap < <usize>tapCount; tap++) {
      a = multiplyAdd(v128.load(from + <usize>load<u32>(taps + (tap << 2))), v128.load(weights + tap * VECTOR), a);
    }
    v128.store(to, f32x4.pmax(a, floor));
    from += (<usize>stride) * pitch;
    to += toPitch;
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
