// Convolutions over all channels as a blocked product: six positions × eight outputs stay in twelve registers, eight
// loads for twelve multiply-adds.
import { multiplyAdd, VECTOR } from "../../fused/assembly/vector";
import { activateAt } from "./activation";

/** Positions of a tile, and outputs of a block. */
const TILE: i32 = 6;
const BLOCK: usize = 8;
/** Words of a position: its offsets in the source, the target and the residual. */
const POSITION: usize = 12;

/** Adds what is kept, activates and stores one position's eight outputs; the second four only where there are such. */
// @ts-ignore: decorator
@inline
function finish(
  a: v128, b: v128, at: usize, to: usize, residual: usize, kind: i32, slopes: usize, both: bool,
): void {
  const target = to + <usize>load<u32>(at, 4);
  if (residual != 0) {
    const kept = residual + <usize>load<u32>(at, 8);
    a = f32x4.add(a, v128.load(kept));
    if (both) b = f32x4.add(b, v128.load(kept, 16));
  }
  v128.store(target, activateAt(a, kind, slopes));
  if (both) v128.store(target, activateAt(b, kind, slopes + VECTOR), 16);
}

/**
 * `count` positions of one strip. A position reads `run` floats behind each of the `segments` offsets. Weights are
 * [output / 8][segment][run][8], `vectors` the fours of outputs that exist. Where six positions do not divide the strip,
 * the last tile computes some again.
 */
export function multiplyStrip(
  from: usize, positions: usize, count: i32, segments: usize, segmentCount: i32, run: i32,
  weights: usize, bias: usize, vectors: i32, to: usize, residual: usize, kind: i32, slopes: usize,
): void {
  const segmentsEnd = segments + ((<usize>segmentCount) << 2);
  for (let vector = 0; vector < vectors; vector += 2) {
    const both = vector + 1 < vectors;
    const first = v128.load(bias), second = v128.load(bias, 16);
    let u = weights;
    let position = 0;
    for (; count >= TILE && position < count; position += TILE) {
      const at = positions + (<usize>min(position, count - TILE)) * POSITION;
      const q0 = from + <usize>load<u32>(at), q1 = from + <usize>load<u32>(at, 12);
      const q2 = from + <usize>load<u32>(at, 24), q3 = from + <usize>load<u32>(at, 36);
      const q4 = from + <usize>load<u32>(at, 48), q5 = from + <usize>load<u32>(at, 60);
      let a0 = first, a1 = first, a2 = first, a3 = first, a4 = first, a5 = first;
      let b0 = second, b1 = second, b2 = second, b3 = second, b4 = second, b5 = second;
      u = weights;
      for (let segment = segments; segment < segmentsEnd; segment += 4) {
        const offset = <usize>load<u32>(segment);
        let p0 = q0 + offset, p1 = q1 + offset, p2 = q2 + offset, p3 = q3 + offset, p4 = q4 + offset, p5 = q5 + offset;
        let k = run;
        for (; k >= 4; k -= 4) {
          let w = v128.load(u), z = v128.load(u, 16);
          let x = v128.load32_splat(p0);
          a0 = multiplyAdd(x, w, a0);
          b0 = multiplyAdd(x, z, b0);
          x = v128.load32_splat(p1);
          a1 = multiplyAdd(x, w, a1);
          b1 = multiplyAdd(x, z, b1);
          x = v128.load32_splat(p2);
          a2 = multiplyAdd(x, w, a2);
          b2 = multiplyAdd(x, z, b2);
          x = v128.load32_splat(p3);
          a3 = multiplyAdd(x, w, a3);
          b3 = multiplyAdd(x, z, b3);
          x = v128.load32_splat(p4);
          a4 = multiplyAdd(x, w, a4);
          b4 = multiplyAdd(x, z, b4);
          x = v128.load32_splat(p5);
          a5 = multiplyAdd(x, w, a5);
          b5 = multiplyAdd(x, z, b5);
          w = v128.load(u, 32);
          z = v128.load(u, 48);
          x = v128.load32_splat(p0, 4);
          a0 = multiplyAdd(x, w, a0);
          b0 = multiplyAdd(x, z, b0);
          x = v128.load32_splat(p1, 4);
          a1 = multiplyAdd(x, w, a1);
          b1 = multiplyAdd(x, z, b1);
          x = v128.load32_splat(p2, 4);
          a2 = multiplyAdd(x, w, a2);
          b2 = multiplyAdd(x, z, b2);
          x = v128.load32_splat(p3, 4);
          a3 = multiplyAdd(x, w, a3);
          b3 = multiplyAdd(x, z, b3);
          x = v128.load32_splat(p4, 4);
          a4 = multiplyAdd(x, w, a4);
          b4 = multiplyAdd(x, z, b4);
          x = v128.load32_splat(p5, 4);
          a5 = multiplyAdd(x, w, a5);
          b5 = multiplyAdd(x, z, b5);
          w = v128.load(u, 64);
          z = v128.load(u, 80);
          x = v128.load32_splat(p0, 8);
          a0 = multiplyAdd(x, w, a0);
          b0 = multiplyAdd(x, z, b0);
          x = v128.load32_splat(p1, 8);
          a1 = multiplyAdd(x, w, a1);
          b1 = multiplyAdd(x, z, b1);
          x = v128.load32_splat(p2, 8);
          a2 = multiplyAdd(x, w, a2);
          b2 = multiplyAdd(x, z, b2);
          x = v128.load32_splat(p3, 8);
          a3 = multiplyAdd(x, w, a3);
          b3 = multiplyAdd(x, z, b3);
          x = v128.load32_splat(p4, 8);
          a4 = multiplyAdd(x, w, a4);
          b4 = multiplyAdd(x, z, b4);
          x = v128.load32_splat(p5, 8);
          a5 = multiplyAdd(x, w, a5);
          b5 = multiplyAdd(x, z, b5);
          w = v128.load(u, 96);
          z = v128.load(u, 112);
          x = v128.load32_splat(p0, 12);
          a0 = multiplyAdd(x, w, a0);
          b0 = multiplyAdd(x, z, b0);
          x = v128.load32_splat(p1, 12);
          a1 = multiplyAdd(x, w, a1);
          b1 = multiplyAdd(x, z, b1);
          x = v128.load32_splat(p2, 12);
          a2 = multiplyAdd(x, w, a2);
          b2 = multiplyAdd(x, z, b2);
          x = v128.load32_splat(p3, 12);
          a3 = multiplyAdd(x, w, a3);
          b3 = multiplyAdd(x, z, b3);
          x = v128.load32_splat(p4, 12);
          a4 = multiplyAdd(x, w, a4);
          b4 = multiplyAdd(x, z, b4);
          x = v128.load32_splat(p5, 12);
          a5 = multiplyAdd(x, w, a5);
          b5 = multiplyAdd(x, z, b5);
          u += 4 * BLOCK * 4;
          p0 += 16; p1 += 16; p2 += 16; p3 += 16; p4 += 16; p5 += 16;
        }
        for (; k > 0; k--) {
          const w = v128.load(u), z = v128.load(u, 16);
          let x = v128.load32_splat(p0);
          a0 = multiplyAdd(x, w, a0);
          b0 = multiplyAdd(x, z, b0);
          x = v128.load32_splat(p1);
          a1 = multiplyAdd(x, w, a1);
          b1 = multiplyAdd(x, z, b1);
          x = v128.load32_splat(p2);
          a2 = multiplyAdd(x, w, a2);
          b2 = multiplyAdd(x, z, b2);
          x = v128.load32_splat(p3);
          a3 = multiplyAdd(x, w, a3);
          b3 = multiplyAdd(x, z, b3);
          x = v128.load32_splat(p4);
          a4 = multiplyAdd(x, w, a4);
          b4 = multiplyAdd(x, z, b4);
          x = v128.load32_splat(p5);
          a5 = multiplyAdd(x, w, a5);
          b5 = multiplyAdd(x, z, b5);
          u += BLOCK * 4;
          p0 += 4; p1 += 4; p2 += 4; p3 += 4; p4 += 4; p5 += 4;
        }
      }
      finish(a0, b0, at, to, residual, kind, slopes, both);
      finish(a1, b1, at + POSITION, to, residual, kind, slopes, both);
      finish(a2, b2, at + 2 * POSITION, to, residual, kind, slopes, both);
      finish(a3, b3, at + 3 * POSITION, to, residual, kind, slopes, both);
      finish(a4, b4, at + 4 * POSITION, to, residual, kind, slopes, both);
      finish(a5, b5, at + 5 * POSITION, to, residual, kind, slopes, both);
    }
    for (; position < count; position++) {
      const at = positions + (<usize>position) * POSITION;
      const q = from + <usize>load<u32>(at);
      let a = first, b = second;
      u = weights;
      for (let segment = segments; segment < segmentsEnd; segment += 4) {
        let p = q + <usize>load<u32>(segment);
        for (let k = run; k > 0; k--) {
          const x = v128.load32_splat(p);
          a = multiplyAdd(x, v128.load(u), a);
          b = multiplyAdd(x, v128.load(u, 16), b);
          u += BLOCK * 4;
          p += 4;
        }
      }
      finish(a, b, at, to, residual, kind, slopes, both);
    }
    weights = u;
    bias += 32;
    slopes += 32;
    to += 32;
    if (residual != 0) residual += 32;
  }
}
