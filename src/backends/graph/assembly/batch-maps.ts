// A batch's other steps: bytes to values, pools, sums, products, activations, copies, softmax.
import { VECTOR } from "../../fused/assembly/vector";
import { exponentiate } from "../../fused/assembly/softmax";
import { activate } from "./activation";
import { blend } from "./maps";
import { address, word } from "./words";

/** Bytes of faces, channels together, to values · scale + offset. Words: from, bytes of a face, to, group, plane, row, channels, rows, columns, scales, offsets. */
export function unpack(step: usize, groups: i32): void {
  const face = address(step, 2), channels = <usize>word(step, 7), rows = <usize>word(step, 8), columns = <usize>word(step, 9);
  for (let g: usize = 0; g < <usize>groups; g++) {
    for (let k: usize = 0; k < channels; k++) {
      const scale = load<f32>(address(step, 10) + (k << 2)), offset = load<f32>(address(step, 11) + (k << 2));
      for (let lane: usize = 0; lane < 4; lane++) {
        let p = address(step, 1) + (4 * g + lane) * face + k;
        for (let y: usize = 0; y < rows; y++) {
          let to = address(step, 3) + g * address(step, 4) + k * address(step, 5) + y * address(step, 6) + (lane << 2);
          for (let x: usize = 0; x < columns; x++) {
            store<f32>(to, <f32>load<u8>(p) * scale + offset);
            p += channels;
            to += VECTOR;
          }
        }
      }
    }
  }
}

/** Windows clamped to the map. Words: from, group, plane, row, height, width, top, left, size ×2, stride ×2, to, group, plane, row, rows, columns, channels. */
export function poolBatch(step: usize, groups: i32, average: bool): void {
  const row = address(step, 4), height = word(step, 5), width = word(step, 6), top = word(step, 7), left = word(step, 8);
  const tall = word(step, 9), wide = word(step, 10), down = word(step, 11), right = word(step, 12);
  const toRow = address(step, 16), rows = word(step, 17), columns = word(step, 18);
  for (let g: usize = 0; g < <usize>groups; g++) {
    for (let k: usize = 0; k < <usize>word(step, 19); k++) {
      const from = address(step, 1) + g * address(step, 2) + k * address(step, 3);
      const to = address(step, 13) + g * address(step, 14) + k * address(step, 15);
      for (let r = 0; r < rows; r++) {
        const y0 = max(0, r * down - top), y1 = min(height, r * down - top + tall);
        for (let c = 0; c < columns; c++) {
          const x0 = max(0, c * right - left), x1 = min(width, c * right - left + wide);
          let p = from + (<usize>y0) * row + (<usize>x0) * VECTOR;
          let sum = average ? f32x4.splat(0) : v128.load(p);
          for (let y = y0; y < y1; y++) {
            const end = p + (<usize>(x1 - x0)) * VECTOR;
            for (let q = p; q < end; q += VECTOR) {
              sum = average ? f32x4.add(sum, v128.load(q)) : f32x4.pmax(sum, v128.load(q));
            }
            p += row;
          }
          if (average) sum = f32x4.mul(sum, f32x4.splat(<f32>1 / <f32>((y1 - y0) * (x1 - x0))));
          v128.store(to + (<usize>r) * toRow + (<usize>c) * VECTOR, sum);
        }
      }
    }
  }
}

/** Words: a, group, plane, row, b or 0, group, plane, row, to, group, plane, row, channels, rows, columns, activation, slopes, bytes from pixel to pixel of b: 0 where one number is for all pixels. */
export function combineBatch(step: usize, groups: i32, multiply: bool): void {
  const pitch = address(step, 18);
  const kind = word(step, 16), columns = (<usize>word(step, 15)) * VECTOR, two = address(step, 5) != 0;
  for (let g: usize = 0; g < <usize>groups; g++) {
    for (let k: usize = 0; k < <usize>word(step, 13); k++) {
      const slope = v128.load32_splat(address(step, 17) + (k << 2));
      for (let y: usize = 0; y < <usize>word(step, 14); y++) {
        const a = address(step, 1) + g * address(step, 2) + k * address(step, 3) + y * address(step, 4);
        let b = address(step, 5) + g * address(step, 6) + k * address(step, 7) + y * address(step, 8);
        const to = address(step, 9) + g * address(step, 10) + k * address(step, 11) + y * address(step, 12);
        for (let x: usize = 0; x < columns; x += VECTOR) {
          let value = v128.load(a + x);
          if (two) value = multiply ? f32x4.mul(value, v128.load(b)) : f32x4.add(value, v128.load(b));
          v128.store(to + x, activate(value, kind, slope));
          b += pitch;
        }
      }
    }
  }
}

/** Words: from, group, plane, row, to, group, plane, row, channels, rows, columns. */
export function copyBatch(step: usize, groups: i32): void {
  const columns = (<usize>word(step, 11)) * VECTOR;
  for (let g: usize = 0; g < <usize>groups; g++) {
    for (let k: usize = 0; k < <usize>word(step, 9); k++) {
      for (let y: usize = 0; y < <usize>word(step, 10); y++) {
        memory.copy(
          address(step, 5) + g * address(step, 6) + k * address(step, 7) + y * address(step, 8),
          address(step, 1) + g * address(step, 2) + k * address(step, 3) + y * address(step, 4), columns,
        );
      }
    }
  }
}

/** Numbers to other places: axes in another order, a vector as a map. Words: from, group, strides ×3, to, group, strides ×3, counts ×3. */
export function moveBatch(step: usize, groups: i32): void {
  for (let g: usize = 0; g < <usize>groups; g++) {
    for (let a: usize = 0; a < <usize>word(step, 11); a++) {
      for (let b: usize = 0; b < <usize>word(step, 12); b++) {
        let from = address(step, 1) + g * address(step, 2) + a * address(step, 3) + b * address(step, 4);
        let to = address(step, 6) + g * address(step, 7) + a * address(step, 8) + b * address(step, 9);
        for (let c = word(step, 13); c > 0; c--) {
          v128.store(to, v128.load(from));
          from += address(step, 5);
          to += address(step, 10);
        }
      }
    }
  }
}

/** Words: from, group, plane, to, group, plane, row, channels, rows, columns, a table of rows and one of columns: offsets of two places and the share of the second. */
export function resizeBatch(step: usize, groups: i32): void {
  for (let g: usize = 0; g < <usize>groups; g++) {
    for (let k: usize = 0; k < <usize>word(step, 8); k++) {
      const from = address(step, 1) + g * address(step, 2) + k * address(step, 3);
      for (let y: usize = 0; y < <usize>word(step, 9); y++) {
        const row = address(step, 11) + y * 12, low = f32x4.splat(load<f32>(row + 8));
        const top = from + address(row, 0), bottom = from + address(row, 1);
        let to = address(step, 4) + g * address(step, 5) + k * address(step, 6) + y * address(step, 7);
        let column = address(step, 12);
        for (let x = word(step, 10); x > 0; x--) {
          const left = address(column, 0), right = address(column, 1), share = f32x4.splat(load<f32>(column + 8));
          const upper = blend(v128.load(top + left), v128.load(top + right), share);
          v128.store(to, blend(upper, blend(v128.load(bottom + left), v128.load(bottom + right), share), low));
          column += 12;
          to += VECTOR;
        }
      }
    }
  }
}

/** The maximum subtracted. Words: from, group, to, group, length. */
export function softmaxBatch(step: usize, groups: i32): void {
  const end = (<usize>word(step, 5)) * VECTOR;
  for (let g: usize = 0; g < <usize>groups; g++) {
    const from = address(step, 1) + g * address(step, 2), to = address(step, 3) + g * address(step, 4);
    let top = v128.load(from);
    for (let i: usize = VECTOR; i < end; i += VECTOR) top = f32x4.pmax(top, v128.load(from + i));
    let sum = f32x4.splat(0);
    for (let i: usize = 0; i < end; i += VECTOR) {
      const power = exponentiate(f32x4.sub(v128.load(from + i), top));
      v128.store(to + i, power);
      sum = f32x4.add(sum, power);
    }
    for (let i: usize = 0; i < end; i += VECTOR) v128.store(to + i, f32x4.div(v128.load(to + i), sum));
  }
}
