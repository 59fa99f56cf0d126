// A map sampled at θ times its own places: PyTorch's affine_grid and grid_sample, bilinear, zeros outside.
import { multiplyAdd, VECTOR } from "../../fused/assembly/vector";
import { address, word } from "./words";

/** What {@link find} found: bytes from the map's first pixel to the four around a place, and their shares. */
let topLeft: usize = 0, topRight: usize = 0, bottomLeft: usize = 0, bottomRight: usize = 0;
let topLeftShare: f32 = 0, topRightShare: f32 = 0, bottomLeftShare: f32 = 0, bottomRightShare: f32 = 0;

/** One step outside at most, where the result is zero already: any number becomes a pixel's. */
// @ts-ignore: decorator
@inline
function confine(at: f64, side: i32): f64 {
  // NaN fails both comparisons.
  return at > -1 ? (at < <f64>side ? at : <f64>side) : -1;
}

/** A pixel of the map in any case; {@link count} has no share for another. */
// @ts-ignore: decorator
@inline
function hold(pixel: i32, side: i32): usize {
  return <usize>max(0, min(side - 1, pixel));
}

// @ts-ignore: decorator
@inline
function count(share: f64, pixel: i32, side: i32): f64 {
  return <u32>pixel < <u32>side ? share : 0;
}

/** What {@link aim} found: the place of a row's first output pixel, and the step from one to the next. */
let firstX: f64 = 0, firstY: f64 = 0, stepX: f64 = 0, stepY: f64 = 0;

/** Finds where output row `r` lies in the map. Entries of θ lie `pace` bytes apart. */
function aim(theta: usize, pace: usize, r: i32, height: i32, width: i32, isAligned: i32): void {
  // Coordinates −1 … 1 span the sides, or the centers of the pixels at their ends; the middle is 0.
  const tall = <f64>(height - isAligned) / 2, wide = <f64>(width - isAligned) / 2;
  const middleRow = <f64>(height - 1) / 2, middleColumn = <f64>(width - 1) / 2;
  const v = tall > 0 ? (<f64>r - middleRow) / tall : 0;
  const a = <f64>load<f32>(theta), b = <f64>load<f32>(theta + pace), tx = <f64>load<f32>(theta + 2 * pace);
  const d = <f64>load<f32>(theta + 3 * pace), e = <f64>load<f32>(theta + 4 * pace), ty = <f64>load<f32>(theta + 5 * pace);
  stepX = a;
  stepY = wide > 0 ? d * tall / wide : 0;
  firstX = (b * v + tx) * wide + middleColumn - stepX * middleColumn;
  firstY = (e * v + ty) * tall + middleRow - stepY * middleColumn;
}

/** Finds what the output pixel of column `c` is made of. */
// @ts-ignore: decorator
@inline
function find(c: i32, height: i32, width: i32, row: usize, pitch: usize): void {
  const x = confine(firstX + <f64>c * stepX, width), y = confine(firstY + <f64>c * stepY, height);
  const left = <i32>Math.floor(x), top = <i32>Math.floor(y);
  const right = x - <f64>left, down = y - <f64>top;
  const upperShare = count(1 - down, top, height), lowerShare = count(down, top + 1, height);
  const leftShare = count(1 - right, left, width), rightShare = count(right, left + 1, width);
  const upper = hold(top, height) * row, lower = hold(top + 1, height) * row;
  const before = hold(left, width) * pitch, behind = hold(left + 1, width) * pitch;
  topLeft = upper + before;
  topRight = upper + behind;
  bottomLeft = lower + before;
  bottomRight = lower + behind;
  topLeftShare = <f32>(upperShare * leftShare);
  topRightShare = <f32>(upperShare * rightShare);
  bottomLeftShare = <f32>(lowerShare * leftShare);
  bottomRightShare = <f32>(lowerShare * rightShare);
}

/** Words: from, row, pitch, height, width, θ, to, row, pitch, vectors, whether corners are aligned. */
export function sample(step: usize): void {
  const from = address(step, 1), row = address(step, 2), pitch = address(step, 3);
  const height = word(step, 4), width = word(step, 5), bytes = (<usize>word(step, 10)) * VECTOR;
  for (let r = 0; r < height; r++) {
    aim(address(step, 6), 4, r, height, width, word(step, 11));
    for (let c = 0; c < width; c++) {
      find(c, height, width, row, pitch);
      const to = address(step, 7) + (<usize>r) * address(step, 8) + (<usize>c) * address(step, 9);
      const p = from + topLeft, q = from + topRight, s = from + bottomLeft, t = from + bottomRight;
      const first = f32x4.splat(topLeftShare), second = f32x4.splat(topRightShare);
      const third = f32x4.splat(bottomLeftShare), fourth = f32x4.splat(bottomRightShare);
      for (let k: usize = 0; k < bytes; k += VECTOR) {
        const upper = multiplyAdd(v128.load(q + k), second, f32x4.mul(v128.load(p + k), first));
        const lower = multiplyAdd(v128.load(t + k), fourth, f32x4.mul(v128.load(s + k), third));
        v128.store(to + k, f32x4.add(upper, lower));
      }
    }
  }
}

/** Face by face: each has places of its own. Words: from, group, plane, row, height, width, θ, group, plane, to, group, plane, row, channels, whether corners are aligned. */
export function sampleBatch(step: usize, groups: i32): void {
  const plane = address(step, 3), row = address(step, 4), height = word(step, 5), width = word(step, 6);
  const toPlane = address(step, 12), channels = word(step, 14);
  for (let g: usize = 0; g < <usize>groups; g++) {
    for (let lane: usize = 0; lane < VECTOR; lane += 4) {
      const theta = address(step, 7) + g * address(step, 8) + lane;
      for (let r = 0; r < height; r++) {
        aim(theta, address(step, 9), r, height, width, word(step, 15));
        for (let c = 0; c < width; c++) {
          find(c, height, width, row, VECTOR);
          let from = address(step, 1) + g * address(step, 2) + lane;
          let to = address(step, 10) + g * address(step, 11) + (<usize>r) * address(step, 13) + (<usize>c) * VECTOR + lane;
          for (let k = channels; k > 0; k--) {
            const upper = load<f32>(from + topLeft) * topLeftShare + load<f32>(from + topRight) * topRightShare;
            const lower = load<f32>(from + bottomLeft) * bottomLeftShare + load<f32>(from + bottomRight) * bottomRightShare;
            store<f32>(to, upper + lower);
            from += plane;
            to += toPlane;
          }
        }
      }
    }
  }
}
