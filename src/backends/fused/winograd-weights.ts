/** Convolution kernels in Winograd's domain (Lavin and Gray 2015, "Fast Algorithms for Convolutional Neural Networks"). */

/** The finite points of assembly/winograd.ts; infinity comes last. */
export const SIX_POINTS: readonly number[] = [0, 1, -1, 2, -2];
/** The finite points of assembly/seven.ts; infinity comes last. */
export const SEVEN_POINTS: readonly number[] = [0, 1, -1, 2, -2, 0.5];

/** G, [points + 1][taps]: row i is (1, a, a², …) / Π(a − other points); the row of infinity picks the last tap. */
export function transformMatrix(taps: number, points: readonly number[]): number[][] {
  const rows = points.map((a) => {
    const scale = points.reduce((product, b) => (a === b ? product : product * (a - b)), 1);
    return Array.from({ length: taps }, (_, power) => a ** power / scale);
  });
  rows.push(Array.from({ length: taps }, (_, power) => (power === taps - 1 ? 1 : 0)));
  return rows;
}

/** G g Gᵀ of one kernel `taps`×`taps`, row-major, in double precision. */
export function transformKernel(kernel: Float32Array, taps: number, points: readonly number[]): Float64Array {
  const g = transformMatrix(taps, points);
  const size = g.length;
  const out = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      let sum = 0;
      for (let y = 0; y < taps; y++) {
        for (let x = 0; x < taps; x++) sum += g[i]![y]! * g[j]![x]! * kernel[y * taps + x]!;
      }
      out[i * size + j] = sum;
    }
  }
  return out;
}
