// RGB pictures, bytes 0…255: their halves, and resizing by the plan of image/resample.ts, to the bit as that file and
// image/letterbox.ts do it. Stores may run on by a few bytes, into what is written next.

/** 32 − 8 − 2, as image/resample.ts. */
const PRECISION: i32 = 22;

/** Bytes of pixels 0, 2, 4, 6 of sixteen bytes and of the sixteen that begin eight bytes on; then of 1, 3, 5, 7. */
// @ts-ignore: decorator
@inline
function even(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 2, 6, 7, 8, 12, 13, 14, 26, 27, 28, 0, 0, 0, 0);
}
// @ts-ignore: decorator
@inline
function odd(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 3, 4, 5, 9, 10, 11, 15, 24, 25, 29, 30, 31, 0, 0, 0, 0);
}

/** Means of four pixels. `row` is the bytes of a source row; `columns` and `rows` are the target's. */
export function halve(from: usize, row: usize, columns: i32, rows: i32, to: usize): void {
  for (let y = 0; y < rows; y++) {
    let p = from + (<usize>(2 * y)) * row, q = p + row;
    let x = 0;
    for (; x + 4 <= columns; x += 4) {
      const a = v128.load(p), b = v128.load(p, 8), c = v128.load(q), d = v128.load(q, 8);
      const e = even(a, b), f = odd(a, b), g = even(c, d), h = odd(c, d);
      const two = i16x8.splat(2);
      const low = i16x8.add(
        i16x8.add(i16x8.extend_low_i8x16_u(e), i16x8.extend_low_i8x16_u(f)),
        i16x8.add(i16x8.add(i16x8.extend_low_i8x16_u(g), i16x8.extend_low_i8x16_u(h)), two),
      );
      const high = i16x8.add(
        i16x8.add(i16x8.extend_high_i8x16_u(e), i16x8.extend_high_i8x16_u(f)),
        i16x8.add(i16x8.add(i16x8.extend_high_i8x16_u(g), i16x8.extend_high_i8x16_u(h)), two),
      );
      v128.store(to, i8x16.narrow_i16x8_u(i16x8.shr_u(low, 2), i16x8.shr_u(high, 2)));
      p += 24; q += 24; to += 12;
    }
    for (; x < columns; x++) {
      for (let c: usize = 0; c < 3; c++) {
        const sum = <i32>load<u8>(p + c) + <i32>load<u8>(p + c, 3) + <i32>load<u8>(q + c) + <i32>load<u8>(q + c, 3);
        store<u8>(to + c, (sum + 2) >> 2);
      }
      p += 6; q += 6; to += 3;
    }
  }
}

/** Resizes rows. `plan` holds for each of `columns` outputs: first byte, taps, address of the weights. */
export function resampleRows(from: usize, row: usize, rows: i32, plan: usize, columns: i32, to: usize): void {
  for (let y = 0; y < rows; y++) {
    let at = plan;
    for (let x = 0; x < columns; x++) {
      let p = from + <usize>load<u32>(at);
      let taps = load<i32>(at, 4);
      let weight = <usize>load<u32>(at, 8);
      let sum = i32x4.splat(1 << (PRECISION - 1));
      for (; taps > 0; taps--) {
        const pixel = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(p)));
        sum = i32x4.add(sum, i32x4.mul(pixel, v128.load32_splat(weight)));
        p += 3; weight += 4;
      }
      // Narrowing clips at 255.
      const words = i32x4.shr_u(sum, PRECISION);
      const short = i16x8.narrow_i32x4_s(words, words);
      v128.store32_lane(to, i8x16.narrow_i16x8_u(short, short), 0);
      to += 3; at += 12;
    }
    from += row;
  }
}

/** Resizes columns of `row` bytes. `plan` as above, but the first row instead of the first byte. */
export function resampleColumns(from: usize, row: usize, plan: usize, rows: i32, to: usize): void {
  for (let y = 0; y < rows; y++) {
    const first = from + (<usize>load<u32>(plan)) * row;
    const taps = load<i32>(plan, 4);
    const weights = <usize>load<u32>(plan, 8);
    for (let x: usize = 0; x < row; x += 16) {
      let a = i32x4.splat(1 << (PRECISION - 1)), b = a, c = a, d = a;
      let p = first + x;
      for (let k = 0; k < taps; k++) {
        const bytes = v128.load(p), w = v128.load32_splat(weights + ((<usize>k) << 2));
        const low = i16x8.extend_low_i8x16_u(bytes), high = i16x8.extend_high_i8x16_u(bytes);
        a = i32x4.add(a, i32x4.mul(i32x4.extend_low_i16x8_u(low), w));
        b = i32x4.add(b, i32x4.mul(i32x4.extend_high_i16x8_u(low), w));
        c = i32x4.add(c, i32x4.mul(i32x4.extend_low_i16x8_u(high), w));
        d = i32x4.add(d, i32x4.mul(i32x4.extend_high_i16x8_u(high), w));
        p += row;
      }
      v128.store(to + x, i8x16.narrow_i16x8_u(
        i16x8.narrow_i32x4_s(i32x4.shr_u(a, PRECISION), i32x4.shr_u(b, PRECISION)),
        i16x8.narrow_i32x4_s(i32x4.shr_u(c, PRECISION), i32x4.shr_u(d, PRECISION)),
      ));
    }
    to += row;
    plan += 12;
  }
}
