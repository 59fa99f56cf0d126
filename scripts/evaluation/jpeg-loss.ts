/** What JPEG loses of a gray picture: its cosine transform and quantization, without the bytes between. */

/** Luminance table of ITU-T T.81, annex K.1, row by row. */
// prettier-ignore
const LUMINANCE = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
  14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
  18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
  49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];
const SIDE = 8;
/** `BASIS[u * 8 + x]`: orthonormal cosine of frequency u at sample x. */
const BASIS = Float64Array.from({ length: SIDE * SIDE }, (_, at) => {
  const u = Math.floor(at / SIDE);
  return Math.sqrt((u === 0 ? 1 : 2) / SIDE) * Math.cos(((2 * (at % SIDE) + 1) * u * Math.PI) / (2 * SIDE));
});

/** The quantization table of a quality of 1 to 100, as the Independent JPEG Group's library scales it (`jpeg_quality_scaling`). */
export function scaleTable(quality: number): number[] {
  const scale = quality < 50 ? Math.floor(5000 / quality) : 200 - 2 * quality;
  return LUMINANCE.map((value) => Math.min(255, Math.max(1, Math.floor((value * scale + 50) / 100))));
}

function transform(block: Float64Array, inverse: boolean): Float64Array {
  const basis = (u: number, x: number): number => (inverse ? BASIS[x * SIDE + u]! : BASIS[u * SIDE + x]!);
  const rows = new Float64Array(SIDE * SIDE);
  const out = new Float64Array(SIDE * SIDE);
  for (let y = 0; y < SIDE; y++)
    for (let u = 0; u < SIDE; u++) {
      let sum = 0;
      for (let x = 0; x < SIDE; x++) sum += block[y * SIDE + x]! * basis(u, x);
      rows[y * SIDE + u] = sum;
    }
  for (let v = 0; v < SIDE; v++)
    for (let u = 0; u < SIDE; u++) {
      let sum = 0;
      for (let y = 0; y < SIDE; y++) sum += rows[y * SIDE + u]! * basis(v, y);
      out[v * SIDE + u] = sum;
    }
  return out;
}

/**
 * A square gray picture after compression at `quality` (1 to 100) and decompression.
 * @param side a multiple of 8
 */
export function roundTripJpeg(pixels: Uint8Array, side: number, quality: number): Uint8Array {
  const table = scaleTable(quality);
  const out = new Uint8Array(pixels.length);
  for (let top = 0; top < side; top += SIDE)
    for (let left = 0; left < side; left += SIDE) {
      const place = (at: number): number => (top + Math.floor(at / SIDE)) * side + left + (at % SIDE);
      const block = Float64Array.from({ length: SIDE * SIDE }, (_, at) => pixels[place(at)]! - 128);
      const levels = transform(block, false).map((value, at) => Math.round(value / table[at]!) * table[at]!);
      transform(levels, true).forEach((value, at) => {
        out[place(at)] = Math.min(255, Math.max(0, Math.round(value + 128)));
      });
    }
  return out;
}
