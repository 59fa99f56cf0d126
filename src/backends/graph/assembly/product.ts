// Convolutions over all channels as a blocked product: six positions × eight outputs stay in twelve registers, eight
// loads for twelve multiply-adds.
import { multiplyAdd, VECTOR } from "../../fused/assembly/vector";
import { activateAt, findFloor, isRare } from "./activation";

/** Positions of a tile, and outputs of a block. */
const TILE: i32 = 6;
const BLOCK: usize = 8;
/** Words of a position: its offsets in the source, the target and the residual. */
const POSITION: usize = 12;

/** Stores one position's eight outputs; the second four only where there are such. */
// @ts-ignore: decorator
@inline
function put(a: v128, b: v128, at: usize, to: usize, floor: v128, both: bool): void {
  const target = to + <usize>load<u32>(at, 4);
  v128.store(target, f32x4.pmax(a, floor));
  if (both) v128.store(target, f32x4.pmax(b, floor), 16);
}

/** Where a position's outputs are added to. */
// @ts-ignore: decorator
@inline
function keptAt(at: usize, residual: usize): usize {
  return residual + <usize>load<u32>(at, 8);
}

/** Activates what is stored, where the activation is more than a floor. */
function activateStrip(positions: usize, count: i32, vectors: i32, to: usize, kind: i32, slopes: usize): void {
  for (let vector = 0; vector < vectors; vector++) {
    for (let position = 0; position < count; position++) {
      const target = to + <usize>load<u32>(positions + (<usize>position) * POSITION, 4);
      v128.store(target, activateAt(v128.load(target), kind, slopes));
    }
    to += VECTOR;
    slopes += VECTOR;
  }
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
  const floor = findFloor(kind);
  const first = to;
  for (let vector = 0; vector < vectors; vector += 2) {
    const both = vector + 1 < vectors;
    let u = weights;
    let position = 0;
    for (; count >= TILE && position < count; position += TILE) {
      const at = positions + (<usize>min(position, count - TILE)) * POSITION;
      const q0 = from + <usize>load<u32>(at), q1 = from + <usize>load<u32>(at, 12);
      const q2 = from + <usize>load<u32>(at, 24), q3 = from + <usize>load<u32>(at, 36);
      const q4 = from + <usize>load<u32>(at, 48), q5 = from + <usize>load<u32>(at, 60);
      let a0 = v128.load(bias), b0 = v128.load(bias, 16);
      let a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0;
      let b1 = b0, b2 = b0, b3 = b0, b4 = b0, b5 = b0;
      u = weights;
      for (let segment = segments; segment < segmentsEnd; segment += 4) {
        const offset = <usize>load<u32>(segment);
        let p0 = q0 + offset, p1 = q1 + offset, p2 = q2 + offset, p3 = q3 + offset, p4 = q4 + offset, p5 = q5 + offset;
        let k = run;
        let w: v128, z: v128, x: v128;
        for (; k >= 4; k -= 4) {
          w = v128.load(u);
          z = v128.load(u, 16);
          x = v128.load32_splat(p0);
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
          w = v128.load(u);
          z = v128.load(u, 16);
          x = v128.load32_splat(p0);
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
      if (residual != 0) {
        let kept = keptAt(at, residual);
        a0 = f32x4.add(a0, v128.load(kept));
        b0 = f32x4.add(b0, v128.load(kept, 16));
        kept = keptAt(at + POSITION, residual);
        a1 = f32x4.add(a1, v128.load(kept));
        b1 = f32x4.add(b1, v128.load(kept, 16));
        kept = keptAt(at + 2 * POSITION, residual);
        a2 = f32x4.add(a2, v128.load(kept));
        b2 = f32x4.add(b2, v128.load(kept, 16));
        kept = keptAt(at + 3 * POSITION, residual);
        a3 = f32x4.add(a3, v128.load(kept));
        b3 = f32x4.add(b3, v128.load(kept, 16));
        kept = keptAt(at + 4 * POSITION, residual);
        a4 = f32x4.add(a4, v128.load(kept));
        b4 = f32x4.add(b4, v128.load(kept, 16));
        kept = keptAt(at + 5 * POSITION, residual);
        a5 = f32x4.add(a5, v128.load(kept));
        b5 = f32x4.add(b5, v128.load(kept, 16));
      }
      put(a0, b0, at, to, floor, both);
      put(a1, b1, at + POSITION, to, floor, both);
      put(a2, b2, at + 2 * POSITION, to, floor, both);
      put(a3, b3, at + 3 * POSITION, to, floor, both);
      put(a4, b4, at + 4 * POSITION, to, floor, both);
      put(a5, b5, at + 5 * POSITION, to, floor, both);
    }
    for (; position < count; position++) {
      const at = positions + (<usize>position) * POSITION;
      const q = from + <usize>load<u32>(at);
      let a = v128.load(bias), b = v128.load(bias, 16);
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
      if (residual != 0) {
        const kept = keptAt(at, residual);
        a = f32x4.add(a, v128.load(kept));
        b = f32x4.add(b, v128.load(kept, 16));
      }
      put(a, b, at, to, floor, both);
    }
    weights = u;
    bias += 32;
    to += 32;
    if (residual != 0) residual += 32;
  }
  if (isRare(kind)) activateStrip(positions, count, vectors, first, kind, slopes);
}
