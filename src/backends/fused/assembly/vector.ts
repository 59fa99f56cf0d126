// Shared vector steps. Everywhere in this folder one v128 holds the same value of four faces: lane = face. So no
// layer ever shuffles, no row has a ragged edge, and a face's result cannot depend on its place in the batch.

/** Bytes of one vector. */
export const VECTOR: usize = 16;

/** Faces computed together. */
export const LANES: i32 = 4;

/** a·b + c. The relaxed build fuses it into one instruction; there the product is not rounded. */
// @ts-ignore: decorator
@inline
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** c − a·b. */
// @ts-ignore: decorator
@inline
export function multiplySubtract(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_nmadd(a, b, c);
  return f32x4.sub(c, f32x4.mul(a, b));
}

/**
 * Four 4s and four ½s. Read from memory, not written as splats: V8 builds a splat anew at every use (three instructions), and
 * keeps a loaded value in a register.
 */
export const FOURS: usize = memory.data<f32>([4, 4, 4, 4], 16);
export const HALVES: usize = memory.data<f32>([0.5, 0.5, 0.5, 0.5], 16);

/** max(x, 0); pmax keeps V8's two-instruction NaN handling of f32x4.max away. A NaN becomes 0. */
// @ts-ignore: decorator
@inline
export function rectify(x: v128): v128 {
  return f32x4.pmax(f32x4.splat(0), x);
}

/** The larger of two, by the single-instruction rule (b if a < b). */
// @ts-ignore: decorator
@inline
export function larger(a: v128, b: v128): v128 {
  return f32x4.pmax(a, b);
}
