// Everything but convolutions: pools, sums, products, activations, copies, softmax.
import { multiplyAdd, VECTOR } from "../../fused/assembly/vector";
import { exponentiate } from "../../fused/assembly/softmax";
import { activateAt } from "./activation";
import { address, word } from "./words";

/** Windows clamped to the map. Words: from, row, pitch, height, width, top, left, size ×2, stride ×2, to, row, pitch, rows, columns, vectors. */
// @ts-ignore: decorator
@inline
function pool(step: usize, average: bool): void {
  const from = address(step, 1), row = address(step, 2), pitch = address(step, 3);
  const height = word(step, 4), width = word(step, 5), top = word(step, 6), left = word(step, 7);
  const tall = word(step, 8), wide = word(step, 9), down = word(step, 10), right = word(step, 11);
  const to = address(step, 12), toRow = address(step, 13), toPitch = address(step, 14);
  const rows = word(step, 15), columns = word(step, 16), bytes = (<usize>word(step, 17)) * VECTOR;
  for (let r = 0; r < rows; r++) {
    const y0 = max(0, r * down - top), y1 = min(height, r * down - top + tall);
    for (let c = 0; c < columns; c++) {
      const x0 = max(0, c * right - left), x1 = min(width, c * right - left + wide);
      const corner = from + (<usize>y0) * row + (<usize>x0) * pitch;
      const target = to + (<usize>r) * toRow + (<usize>c) * toPitch;
      const share = f32x4.splat(<f32>1 / <f32>((y1 - y0) * (x1 - x0)));
      // Two vectors at once; where the last one is alone, the one before it is computed again.
      const last = bytes > VECTOR ? bytes - 2 * VECTOR : 0, second = bytes > VECTOR ? VECTOR : 0;
      for (let k: usize = 0; k < bytes; k += 2 * VECTOR) {
        const at = min(k, last);
        let p = corner + at;
        let a = average ? f32x4.splat(0) : v128.load(p), b = average ? a : v128.load(p + second);
        for (let y = y0; y < y1; y++) {
          let q = p;
          for (let x = x0; x < x1; x++) {
            const u = v128.load(q), v = v128.load(q + second);
            a = average ? f32x4.add(a, u) : f32x4.pmax(a, u);
            b = average ? f32x4.add(b, v) : f32x4.pmax(b, v);
            q += pitch;
          }
          p += row;
        }
        v128.store(target + at, average ? f32x4.mul(a, share) : a);
        v128.store(target + at + second, average ? f32x4.mul(b, share) : b);
      }
    }
  }
}

/** The largest of each window. Words: {@link pool}'s. */
export function poolMaximum(step: usize): void {
  pool(step, false);
}

/** The mean of each window. Words: {@link pool}'s. */
export function poolAverage(step: usize): void {
  pool(step, true);
}

/** Words: a, row, b, row, to, row, rows, columns, vectors, activation, slopes, bytes from vector to vector of b; pixels lie alike. `b` is 0 for one operand; one pixel of it is for all where rows and vectors lie no bytes apart. */
export function combine(step: usize, multiply: bool): void {
  let a = address(step, 1), b = address(step, 3), to = address(step, 5);
  const aRow = address(step, 2), bRow = address(step, 4), toRow = address(step, 6);
  const rows = word(step, 7), columns = word(step, 8), vectors = <usize>word(step, 9);
  const kind = word(step, 10), slopes = address(step, 11), isGate = word(step, 12) == 0;
  for (let r = 0; r < rows; r++) {
    let at: usize = 0;
    for (let c = 0; c < columns; c++) {
      for (let k: usize = 0; k < vectors * VECTOR; k += VECTOR) {
        let x = v128.load(a + at);
        if (b != 0) {
          const y = v128.load(b + (isGate ? k : at));
          x = multiply ? f32x4.mul(x, y) : f32x4.add(x, y);
        }
        v128.store(to + at, activateAt(x, kind, slopes + k));
        at += VECTOR;
      }
    }
    a += aRow;
    if (b != 0) b += bRow;
    to += toRow;
  }
}

/** Words: from, row, pitch, to, row, pitch, rows, columns, bytes of a pixel. */
export function copy(step: usize): void {
  const from = address(step, 1), row = address(step, 2), pitch = address(step, 3);
  const to = address(step, 4), toRow = address(step, 5), toPitch = address(step, 6);
  const rows = <usize>word(step, 7), columns = <usize>word(step, 8), bytes = <usize>word(step, 9);
  for (let r: usize = 0; r < rows; r++) {
    for (let c: usize = 0; c < columns; c++) {
      memory.copy(to + r * toRow + c * toPitch, from + r * row + c * pitch, bytes);
    }
  }
}

/** Numbers to other places: a map as a vector, a vector as a map, axes in another order. Words: from, strides ×3, to, strides ×3, counts ×3. */
export function move(step: usize): void {
  for (let a: usize = 0; a < <usize>word(step, 9); a++) {
    for (let b: usize = 0; b < <usize>word(step, 10); b++) {
      let from = address(step, 1) + a * address(step, 2) + b * address(step, 3);
      let to = address(step, 5) + a * address(step, 6) + b * address(step, 7);
      for (let c = word(step, 11); c > 0; c--) {
        store<f32>(to, load<f32>(from));
        from += address(step, 4);
        to += address(step, 8);
      }
    }
  }
}

/** (1 − share) · a + share · b. */
// @ts-ignore: decorator
@inline
export function blend(a: v128, b: v128, share: v128): v128 {
  return multiplyAdd(f32x4.sub(b, a), share, a);
}

/** Words: from, to, row, pitch, vectors, rows, columns, a table of rows and one of columns: offsets of two places and the share of the second. */
export function resize(step: usize): void {
  const from = address(step, 1), bytes = (<usize>word(step, 5)) * VECTOR;
  for (let y: usize = 0; y < <usize>word(step, 6); y++) {
    const row = address(step, 8) + y * 12, low = f32x4.splat(load<f32>(row + 8));
    const top = from + address(row, 0), bottom = from + address(row, 1);
    let to = address(step, 2) + y * address(step, 3);
    let column = address(step, 9);
    for (let x = word(step, 7); x > 0; x--) {
      const left = address(column, 0), right = address(column, 1), share = f32x4.splat(load<f32>(column + 8));
      for (let k: usize = 0; k < bytes; k += VECTOR) {
        const upper = blend(v128.load(top + left + k), v128.load(top + right + k), share);
        v128.store(to + k, blend(upper, blend(v128.load(bottom + left + k), v128.load(bottom + right + k), share), low));
      }
      column += 12;
      to += address(step, 4);
    }
  }
}

/** The maximum subtracted. Words: from, to, length. */
export function softmax(step: usize): void {
  const from = address(step, 1), to = address(step, 2), end = (<usize>word(step, 3)) << 2;
  let top = load<f32>(from);
  for (let i: usize = 4; i < end; i += 4) top = max(top, load<f32>(from + i));
  let sum: f32 = 0;
  for (let i: usize = 0; i < end; i += 4) {
    const power = f32x4.extract_lane(exponentiate(f32x4.splat(load<f32>(from + i) - top)), 0);
    store<f32>(to + i, power);
    sum += power;
  }
  for (let i: usize = 0; i < end; i += 4) store<f32>(to + i, load<f32>(to + i) / sum);
}
