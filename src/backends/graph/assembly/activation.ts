// What is done to a value before it is stored.
import { multiplyAdd } from "../../fused/assembly/vector";
import { exponentiate } from "../../fused/assembly/softmax";

export const NONE: i32 = 0;
export const RELU: i32 = 1;
export const RELU6: i32 = 2;
/** Negative values times a slope of the channel: leaky ReLU and PReLU. */
export const SLOPE: i32 = 3;
export const ELU: i32 = 4;
export const SIGMOID: i32 = 5;
export const HARD_SWISH: i32 = 6;
/** The slope times a value, and one half, between 0 and 1. */
export const HARD_SIGMOID: i32 = 7;
export const TANH: i32 = 8;
/** The slope is the least, or the most, that is left. */
export const AT_LEAST: i32 = 9;
export const AT_MOST: i32 = 10;

/** Whether the activation is more than a floor, see {@link findFloor}. */
// @ts-ignore: decorator
@inline
export function isRare(kind: i32): bool {
  return kind > RELU;
}

/** What nothing is stored below; all of the activation where it is not rare. */
// @ts-ignore: decorator
@inline
export function findFloor(kind: i32): v128 {
  return f32x4.splat(kind == RELU ? 0 : -Infinity);
}

/** `slopes` are the slopes of the lanes; SLOPE, HARD_SIGMOID and the bounds use them. */
// @ts-ignore: decorator
@inline
export function activate(x: v128, kind: i32, slopes: v128): v128 {
  const zero = f32x4.splat(0);
  if (kind == NONE) return x;
  if (kind == RELU) return f32x4.pmax(zero, x);
  return activateRarely(x, kind, slopes);
}

/** The same with the slopes' address. */
// @ts-ignore: decorator
@inline
export function activateAt(x: v128, kind: i32, slopes: usize): v128 {
  if (kind == NONE) return x;
  if (kind == RELU) return f32x4.pmax(f32x4.splat(0), x);
  return activateRarely(x, kind, v128.load(slopes));
}

function activateRarely(x: v128, kind: i32, slopes: v128): v128 {
  const zero = f32x4.splat(0);
  const up = f32x4.pmax(zero, x);
  if (kind == RELU6) return f32x4.pmin(f32x4.splat(6), up);
  if (kind == SLOPE) return multiplyAdd(f32x4.pmin(zero, x), slopes, up);
  if (kind == ELU) return f32x4.add(up, f32x4.sub(exponentiate(f32x4.pmin(zero, x)), f32x4.splat(1)));
  if (kind == HARD_SWISH) {
    const gate = f32x4.pmin(f32x4.splat(6), f32x4.pmax(zero, f32x4.add(x, f32x4.splat(3))));
    return f32x4.mul(f32x4.mul(x, gate), f32x4.splat(<f32>(1.0 / 6.0)));
  }
  if (kind == HARD_SIGMOID) {
    return f32x4.pmin(f32x4.splat(1), f32x4.pmax(zero, multiplyAdd(x, slopes, f32x4.splat(0.5))));
  }
  if (kind == AT_LEAST) return f32x4.pmax(slopes, x);
  if (kind == AT_MOST) return f32x4.pmin(slopes, x);
  if (kind == TANH) {
    const e = exponentiate(f32x4.mul(f32x4.splat(-2), f32x4.abs(x)));
    const size = f32x4.div(f32x4.sub(f32x4.splat(1), e), f32x4.add(f32x4.splat(1), e));
    return v128.bitselect(f32x4.neg(size), size, f32x4.lt(x, zero));
  }
  // sigmoid: e^−|x| never overflows
  const e = exponentiate(f32x4.neg(f32x4.abs(x)));
  const part = f32x4.div(e, f32x4.add(f32x4.splat(1), e));
  const whole = f32x4.sub(f32x4.splat(1), part);
  return v128.bitselect(part, whole, f32x4.lt(x, zero));
}
