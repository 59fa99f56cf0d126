// Convolutions of each channel by itself.
import { multiplyAdd, VECTOR } from "../../fused/assembly/vector";
import { leapThree, slideThree, slideTwoRows, THREE_TILE } from "./depthwise-three";
import { activateAt, findFloor, isRare } from "./activation";

/**
 * Some rows and columns of outputs. `from` is the first window's corner; the input has rows of `row` bytes and pixels of `pitch` bytes, the output of
 * `toRow` and `toPitch`. Weights are [channels / 4][taps][4].
 */
export function convolveDepthwise(
  from: usize, row: usize, pitch: usize, down: usize, stride: i32, rows: i32, columns: i32, vectors: i32,
  weights: usize, bias: usize, taps: usize, tapCount: i32, kind: i32, slopes: usize,
  to: usize, toRow: usize, toPitch: usize,
): void {
  const square = tapCount == 0, floor = findFloor(kind), first = to;
  for (let vector = 0; vector < vectors; vector++) {
    const start = v128.load(bias);
    let p = from, target = to, left = rows;
    if (square && stride == 1 && down == row && columns >= THREE_TILE) {
      for (; left > 1; left -= 2) {
        slideTwoRows(p, row, pitch, columns, weights, start, floor, target, toRow, toPitch);
        p += 2 * down;
        target += 2 * toRow;
      }
    }
    for (; left > 0; left--) {
      if (!square) convolveAny(p, pitch, stride, columns, weights, start, taps, tapCount, floor, target, toPitch);
      else if (columns < THREE_TILE) convolveAnyThree(p, row, pitch, stride, columns, weights, start, floor, target, toPitch);
      else if (stride == 1) slideThree(p, row, pitch, columns, weights, start, floor, target, toPitch);
      else leapThree(p, row, pitch, columns, weights, start, floor, target, toPitch);
      p += down;
      target += toRow;
    }
    weights += <usize>(square ? 9 : tapCount) * VECTOR;
    from += VECTOR;
    to += VECTOR;
    bias += VECTOR;
  }
  if (!isRare(kind)) return;
  to = first;
  for (; rows > 0; rows--) {
    activateRow(columns, vectors, to, toPitch, kind, slopes);
    to += toRow;
  }
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
