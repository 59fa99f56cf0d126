// Softmax of seven logits of four faces, the maximum subtracted.
import { larger, VECTOR } from "./vector";

/**
 * e^x for −87 ≤ x ≤ 0 (below: 1.6e-38 or less): x = n·ln 2 + r, |r| ≤ ln 2 / 2, the series of e^r to r⁷ (first term
 * left out 5e-9 of the value), the ln 2 in two parts (Cody and Waite 1980).
 */
export function exponentiate(value: v128): v128 {
  const x = f32x4.pmax(f32x4.splat(-87), value);
  const n = f32x4.nearest(f32x4.mul(x, f32x4.splat(1.44269504088896341)));
  const high = f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375)));
  const r = f32x4.add(high, f32x4.mul(n, f32x4.splat(2.12194440e-4)));
  let sum = f32x4.splat(<f32>(1.0 / 5040.0));
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(<f32>(1.0 / 720.0)));
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(<f32>(1.0 / 120.0)));
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(<f32>(1.0 / 24.0)));
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(<f32>(1.0 / 6.0)));
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(0.5));
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1));
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return f32x4.mul(sum, power);
}

/** `logits` [7] vectors × `scale` (one over the temperature) → `to` [7] vectors. */
export function normalizeExponents(logits: usize, scale: f32, to: usize): void {
  const factor = f32x4.splat(scale);
  let top = f32x4.mul(v128.load(logits), factor);
  for (let i: usize = 1; i < 7; i++) top = larger(top, f32x4.mul(v128.load(logits + i * VECTOR), factor));
  let sum = f32x4.splat(0);
  for (let i: usize = 0; i < 7; i++) {
    const e = exponentiate(f32x4.sub(f32x4.mul(v128.load(logits + i * VECTOR), factor), top));
    v128.store(to + i * VECTOR, e);
    sum = f32x4.add(sum, e);
  }
  for (let i: usize = 0; i < 7; i++) v128.store(to + i * VECTOR, f32x4.div(v128.load(to + i * VECTOR), sum));
}
