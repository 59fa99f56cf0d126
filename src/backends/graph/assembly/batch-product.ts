// Convolutions of a batch: six outputs × two positions of four faces stay in twelve registers. A position is a face
// group's place in the map, so any two go together.
import { multiplyAdd, VECTOR } from "../../fused/assembly/vector";
import { activate } from "./activation";
import { address, word } from "./words";

/** Outputs of a block. */
export const BLOCK: i32 = 6;
/** Bytes of two positions. */
const PAIR: usize = 2 * VECTOR;

/**
 * products[panel][output][2] = Σ weights[output / 6][input][6] · values[panel][input][2], for `panels` pairs.
 * `stepIn` and `stepOut` lead from panel to panel.
 */
export function multiplyPanels(
  values: usize, stepIn: usize, inputs: i32, weights: usize, products: usize, stepOut: usize, blocks: i32, panels: i32,
): void {
  const size = (<usize>inputs) * PAIR;
  for (let block = 0; block < blocks; block++) {
    let from = values;
    let to = products;
    for (let panel = 0; panel < panels; panel++) {
      let a0 = f32x4.splat(0), a1 = f32x4.splat(0), a2 = f32x4.splat(0), a3 = f32x4.splat(0);
      let a4 = f32x4.splat(0), a5 = f32x4.splat(0);
      let b0 = f32x4.splat(0), b1 = f32x4.splat(0), b2 = f32x4.splat(0), b3 = f32x4.splat(0);
      let b4 = f32x4.splat(0), b5 = f32x4.splat(0);
      let u = weights;
      let v = from;
      const end = from + size;
      while (v < end) {
        const x = v128.load(v), y = v128.load(v, 16);
        let w = v128.load32_splat(u);
        a0 = multiplyAdd(w, x, a0);
        b0 = multiplyAdd(w, y, b0);
        w = v128.load32_splat(u, 4);
        a1 = multiplyAdd(w, x, a1);
        b1 = multiplyAdd(w, y, b1);
        w = v128.load32_splat(u, 8);
        a2 = multiplyAdd(w, x, a2);
        b2 = multiplyAdd(w, y, b2);
        w = v128.load32_splat(u, 12);
        a3 = multiplyAdd(w, x, a3);
        b3 = multiplyAdd(w, y, b3);
        w = v128.load32_splat(u, 16);
        a4 = multiplyAdd(w, x, a4);
        b4 = multiplyAdd(w, y, b4);
        w = v128.load32_splat(u, 20);
        a5 = multiplyAdd(w, x, a5);
        b5 = multiplyAdd(w, y, b5);
        u += 24;
        v += PAIR;
      }
      v128.store(to, a0);
      v128.store(to, b0, 16);
      v128.store(to, a1, 32);
      v128.store(to, b1, 48);
      v128.store(to, a2, 64);
      v128.store(to, b2, 80);
      v128.store(to, a3, 96);
      v128.store(to, b3, 112);
      v128.store(to, a4, 128);
      v128.store(to, b4, 144);
      v128.store(to, a5, 160);
      v128.store(to, b5, 176);
      from += stepIn;
      to += stepOut;
    }
    weights += (<usize>inputs) * 24;
    products += 6 * PAIR;
  }
}

// @ts-ignore: decorator
@inline
function put(
  a: v128, b: v128, to: usize, other: usize, residual: usize, otherResidual: usize, kind: i32, slope: usize,
): void {
  if (residual != 0) {
    a = f32x4.add(a, v128.load(residual));
    b = f32x4.add(b, v128.load(otherResidual));
  }
  const s = v128.load32_splat(slope);
  v128.store(to, activate(a, kind, s));
  v128.store(other, activate(b, kind, s));
}

/**
 * As the definition says: any window, any stride. Words: from, group, plane, inputs, taps, their number, weights
 * [outputs / 6][input][tap][6], bias, outputs, to, group, plane, positions, their number, residual or 0, group, plane,
 * activation, slopes. A position has its offsets in the source, the target and the residual.
 */
export function convolveDirect(step: usize, groups: i32): void {
  const from = address(step, 1), group = address(step, 2), plane = address(step, 3);
  const inputs = word(step, 4), taps = address(step, 5), tapsEnd = taps + ((<usize>word(step, 6)) << 2);
  const outputs = word(step, 9), toPlane = address(step, 12), toGroup = address(step, 11);
  const positions = address(step, 13), count = word(step, 14);
  const residual = address(step, 15), residualGroup = address(step, 16), residualPlane = address(step, 17);
  const kind = word(step, 18);
  let weights = address(step, 7), bias = address(step, 8), slopes = address(step, 19);
  let to = address(step, 10), kept = residual;
  let u = weights;
  for (let output = 0; output < outputs; output += BLOCK) {
    const left = outputs - output;
    const all = count * groups;
    for (let n = 0; n < all; n += 2) {
      const m = n + 1 < all ? n + 1 : n;
      const g0 = <usize>(n / count), g1 = <usize>(m / count);
      const i0 = positions + (<usize>(n % count)) * 12, i1 = positions + (<usize>(m % count)) * 12;
      let p0 = from + g0 * group + <usize>load<u32>(i0), p1 = from + g1 * group + <usize>load<u32>(i1);
      let a0 = v128.load32_splat(bias), a1 = v128.load32_splat(bias, 4), a2 = v128.load32_splat(bias, 8);
      let a3 = v128.load32_splat(bias, 12), a4 = v128.load32_splat(bias, 16), a5 = v128.load32_splat(bias, 20);
      let b0 = a0, b1 = a1, b2 = a2, b3 = a3, b4 = a4, b5 = a5;
      u = weights;
      for (let input = 0; input < inputs; input++) {
        for (let tap = taps; tap < tapsEnd; tap += 4) {
          const offset = <usize>load<u32>(tap);
          const x = v128.load(p0 + offset), y = v128.load(p1 + offset);
          let w = v128.load32_splat(u);
          a0 = multiplyAdd(w, x, a0);
          b0 = multiplyAdd(w, y, b0);
          w = v128.load32_splat(u, 4);
          a1 = multiplyAdd(w, x, a1);
          b1 = multiplyAdd(w, y, b1);
          w = v128.load32_splat(u, 8);
          a2 = multiplyAdd(w, x, a2);
          b2 = multiplyAdd(w, y, b2);
          w = v128.load32_splat(u, 12);
          a3 = multiplyAdd(w, x, a3);
          b3 = multiplyAdd(w, y, b3);
          w = v128.load32_splat(u, 16);
          a4 = multiplyAdd(w, x, a4);
          b4 = multiplyAdd(w, y, b4);
          w = v128.load32_splat(u, 20);
          a5 = multiplyAdd(w, x, a5);
          b5 = multiplyAdd(w, y, b5);
          u += 24;
        }
        p0 += plane;
        p1 += plane;
      }
      let q0 = to + g0 * toGroup + <usize>load<u32>(i0, 4), q1 = to + g1 * toGroup + <usize>load<u32>(i1, 4);
      let r0: usize = 0, r1: usize = 0;
      if (residual != 0) {
        r0 = kept + g0 * residualGroup + <usize>load<u32>(i0, 8);
        r1 = kept + g1 * residualGroup + <usize>load<u32>(i1, 8);
      }
      put(a0, b0, q0, q1, r0, r1, kind, slopes);
      if (left > 1) put(a1, b1, q0 + toPlane, q1 + toPlane, next(r0, residualPlane), next(r1, residualPlane), kind, slopes + 4);
      if (left > 2) put(a2, b2, q0 + 2 * toPlane, q1 + 2 * toPlane, next(r0, 2 * residualPlane), next(r1, 2 * residualPlane), kind, slopes + 8);
      if (left > 3) put(a3, b3, q0 + 3 * toPlane, q1 + 3 * toPlane, next(r0, 3 * residualPlane), next(r1, 3 * residualPlane), kind, slopes + 12);
      if (left > 4) put(a4, b4, q0 + 4 * toPlane, q1 + 4 * toPlane, next(r0, 4 * residualPlane), next(r1, 4 * residualPlane), kind, slopes + 16);
      if (left > 5) put(a5, b5, q0 + 5 * toPlane, q1 + 5 * toPlane, next(r0, 5 * residualPlane), next(r1, 5 * residualPlane), kind, slopes + 20);
    }
    weights = u;
    bias += 24;
    slopes += 24;
    to += 6 * toPlane;
    kept += 6 * residualPlane;
  }
}

/** 0 stays 0: there is no residual. */
// @ts-ignore: decorator
@inline
function next(residual: usize, offset: usize): usize {
  return residual == 0 ? 0 : residual + offset;
}

/**
 * Each channel by itself. Words: from, group, plane, channels, taps, their number, weights [channel][tap], bias, to,
 * group, plane, positions, their number, activation, slopes.
 */
export function convolveChannels(step: usize, groups: i32): void {
  const from = address(step, 1), group = address(step, 2), plane = address(step, 3), channels = word(step, 4);
  const taps = address(step, 5), tapsEnd = taps + ((<usize>word(step, 6)) << 2);
  const to = address(step, 9), toGroup = address(step, 10), toPlane = address(step, 11);
  const positions = address(step, 12), end = positions + (<usize>word(step, 13)) * 12;
  const kind = word(step, 14);
  for (let g: usize = 0; g < <usize>groups; g++) {
    let weights = address(step, 7);
    for (let k: usize = 0; k < <usize>channels; k++) {
      const source = from + g * group + k * plane, target = to + g * toGroup + k * toPlane;
      const bias = v128.load32_splat(address(step, 8) + (k << 2));
      const slope = v128.load32_splat(address(step, 15) + (k << 2));
      for (let at = positions; at < end; at += 12) {
        const p = source + <usize>load<u32>(at);
        let sum = bias;
        let w = weights;
        for (let tap = taps; tap < tapsEnd; tap += 4) {
          sum = multiplyAdd(v128.load(p + <usize>load<u32>(tap)), v128.load32_splat(w), sum);
          w += 4;
        }
        v128.store(target + <usize>load<u32>(at, 4), activate(sum, kind, slope));
      }
      weights += tapsEnd - taps;
    }
  }
}
