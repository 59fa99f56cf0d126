/**
 * Pillow's antialiased bilinear resampling of 8-bit pixels, to the bit.
 *
 * A triangle filter whose support grows with the scale, fixed-point coefficients of 22 fractional bits, rounded to
 * 8 bits after the horizontal pass and again after the vertical one (facts from Pillow's `Resample.c`).
 */

/** 32 − 8 − 2: leaves room for a sum of 8-bit pixels that overshoots a little. */
const PRECISION_BITS = 22;
const HALF = 1 << (PRECISION_BITS - 1);

/** For each output position: where its window starts, how long it is, and its weights (`taps` slots each). */
export interface Coefficients {
  readonly taps: number;
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  readonly weights: Int32Array;
}

/** Weights that take `from` samples to `to`. */
export function planResample(from: number, to: number): Coefficients {
  const scale = from / to;
  const support = Math.max(scale, 1);
  const taps = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(to);
  const counts = new Int32Array(to);
  const weights = new Int32Array(to * taps);
  const exact = new Float64Array(taps);
  const inverse = 1 / support;
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const count = Math.min(from, Math.trunc(center + support + 0.5)) - start;
    let total = 0;
    for (let k = 0; k < count; k++) {
      const distance = Math.abs((k + start - center + 0.5) * inverse);
      const weight = distance < 1 ? 1 - distance : 0;
      exact[k] = weight;
      total += weight;
    }
    for (let k = 0; k < count; k++) {
      const weight = total === 0 ? exact[k]! : exact[k]! / total;
      weights[i * taps + k] = Math.trunc(0.5 + weight * (1 << PRECISION_BITS));
    }
    starts[i] = start;
    counts[i] = count;
  }
  return { taps, starts, counts, weights };
}

/** One row: `out[outAt + i]` from `row`, for every output of the plan. */
export function resampleRow(row: Uint8Array, plan: Coefficients, out: Uint8Array, outAt: number): void {
  const { taps, starts, counts, weights } = plan;
  const length = starts.length;
  for (let i = 0; i < length; i++) {
    const start = starts[i]!;
    const count = counts[i]!;
    let sum = HALF;
    for (let k = 0, w = i * taps; k < count; k++, w++) sum += row[start + k]! * weights[w]!;
    out[outAt + i] = clip(sum);
  }
}

/** One row of three channels: `out[outAt + 3·i + channel]` from `row`. */
export function resampleRgbRow(row: Uint8Array, plan: Coefficients, out: Uint8Array, outAt: number): void {
  const { taps, starts, counts, weights } = plan;
  let to = outAt;
  for (let i = 0; i < starts.length; i++) {
    const count = counts[i]!;
    let from = starts[i]! * 3;
    let red = HALF;
    let green = HALF;
    let blue = HALF;
    for (let k = 0, w = i * taps; k < count; k++, w++, from += 3) {
      const weight = weights[w]!;
      red += row[from]! * weight;
      green += row[from + 1]! * weight;
      blue += row[from + 2]! * weight;
    }
    out[to++] = Math.min(255, red >> PRECISION_BITS);
    out[to++] = Math.min(255, green >> PRECISION_BITS);
    out[to++] = Math.min(255, blue >> PRECISION_BITS);
  }
}

/** All columns of a `width`-wide gray picture, from the plan's source height to its output height. */
export function resampleColumns(source: Uint8Array, width: number, plan: Coefficients): Uint8Array {
  const { taps, starts, counts, weights } = plan;
  const height = starts.length;
  const out = new Uint8Array(width * height);
  const sums = new Int32Array(width);
  for (let y = 0; y < height; y++) {
    sums.fill(HALF);
    const start = starts[y]!;
    const count = counts[y]!;
    for (let k = 0; k < count; k++) {
      const weight = weights[y * taps + k]!;
      const from = (start + k) * width;
      for (let x = 0; x < width; x++) sums[x] = sums[x]! + source[from + x]! * weight;
    }
    for (let x = 0; x < width; x++) out[y * width + x] = clip(sums[x]!);
  }
  return out;
}

/** Weights are never negative, so only the top can overshoot. */
function clip(sum: number): number {
  const value = sum >> PRECISION_BITS;
  return value > 255 ? 255 : value;
}
