// 3×3 convolutions of a batch as Winograd F(4×4, 3×3) or F(3×3, 3×3): maps whose side three divides and four does not
// waste nothing so. Tiles of all faces go together in chunks whose points stay in the second cache; for each point one
// product over all channels.
import { FOURS, multiplyAdd, multiplySubtract, VECTOR } from "../../fused/assembly/vector";
import { collectFour, transformSix } from "../../fused/assembly/winograd";
import { activate } from "./activation";
import { multiplyPanels } from "./batch-product";
import { address, word } from "./words";

const PAIR: usize = 2 * VECTOR;
/** A patch between its two one-dimensional transforms, and a finished tile. */
const ROWS: usize = memory.data(36 * 16, 64);
export const TILE: usize = memory.data(16 * 16, 64);
const THREES: usize = memory.data<f32>([3, 3, 3, 3], 16);

/** Five vectors through Bᵀ of the points 0, ±1, 2, ∞. */
// @ts-ignore: decorator
@inline
function transformFive(from: usize, stride: usize, to: usize, step: usize): void {
  const d0 = v128.load(from), d1 = v128.load(from + stride), d2 = v128.load(from + 2 * stride);
  const d3 = v128.load(from + 3 * stride), d4 = v128.load(from + 4 * stride);
  const t = f32x4.sub(d3, d1);
  const u = f32x4.sub(d0, d2);
  v128.store(to, f32x4.add(t, f32x4.add(u, u)));
  v128.store(to + step, f32x4.sub(f32x4.sub(t, d1), d2));
  v128.store(to + 2 * step, multiplyAdd(v128.load(THREES), f32x4.sub(d1, d2), t));
  v128.store(to + 3 * step, t);
  v128.store(to + 4 * step, f32x4.sub(f32x4.sub(d4, d2), f32x4.add(t, t)));
}

/** Five vectors through Aᵀ of F(3, 3). */
// @ts-ignore: decorator
@inline
function collectThree(from: usize, stride: usize, to: usize, step: usize, four: v128): void {
  const m1 = v128.load(from + stride), m2 = v128.load(from + 2 * stride), m3 = v128.load(from + 3 * stride);
  const sum = f32x4.add(m1, m2);
  v128.store(to, f32x4.add(f32x4.add(v128.load(from), sum), m3));
  v128.store(to + step, f32x4.add(f32x4.sub(m1, m2), f32x4.add(m3, m3)));
  v128.store(to + 2 * step, f32x4.add(multiplyAdd(m3, four, sum), v128.load(from + 4 * stride)));
}

/** A patch whose vectors lie `pitch` bytes apart; its points lie `step` bytes apart. */
export function transformPatchSix(from: usize, row: usize, pitch: usize, to: usize, step: usize): void {
  const four = v128.load(FOURS);
  for (let x: usize = 0; x < 6; x++) transformSix(from + x * pitch, row, ROWS + x * VECTOR, 6 * VECTOR, four);
  for (let y: usize = 0; y < 6; y++) transformSix(ROWS + 6 * y * VECTOR, VECTOR, to + 6 * y * step, step, four);
}

function transformPatchFive(from: usize, row: usize, to: usize, step: usize): void {
  for (let x: usize = 0; x < 5; x++) transformFive(from + x * VECTOR, row, ROWS + x * VECTOR, 5 * VECTOR);
  for (let y: usize = 0; y < 5; y++) transformFive(ROWS + 5 * y * VECTOR, VECTOR, to + 5 * y * step, step);
}

/** Products of one tile, `step` apart, to TILE. */
export function collectTile(from: usize, step: usize, side: i32): void {
  const four = v128.load(FOURS);
  if (side == 4) {
    for (let x: usize = 0; x < 6; x++) collectFour(from + x * step, 6 * step, ROWS + x * VECTOR, 6 * VECTOR, four);
    for (let y: usize = 0; y < 4; y++) collectFour(ROWS + 6 * y * VECTOR, VECTOR, TILE + 4 * y * VECTOR, VECTOR, four);
  } else {
    for (let x: usize = 0; x < 5; x++) collectThree(from + x * step, 5 * step, ROWS + x * VECTOR, 5 * VECTOR, four);
    for (let y: usize = 0; y < 3; y++) collectThree(ROWS + 5 * y * VECTOR, VECTOR, TILE + 3 * y * VECTOR, VECTOR, four);
  }
}

/** An odd number of cache lines: the points of one tile must not all fall into the same sets of the cache. */
// @ts-ignore: decorator
@inline
function spread(bytes: usize): usize {
  return (((bytes + 63) >> 6) | 1) << 6;
}

/**
 * Words: from, group, plane, row, inputs, weights [point][outputs / 6][input][6], bias, outputs, to, group, plane, row,
 * positions, their number, residual or 0, group, plane, row, activation, slopes, tile's side, points' values, products,
 * positions of a chunk (even). A position has its offsets in the source, the target and the residual; tiles
 * overlap where their side does not divide the map's.
 */
export function convolveWinograd(step: usize, groups: i32): void {
  const from = address(step, 1), group = address(step, 2), plane = address(step, 3), row = address(step, 4);
  const inputs = word(step, 5), weights = address(step, 6), bias = address(step, 7), outputs = word(step, 8);
  const to = address(step, 9), toGroup = address(step, 10), toPlane = address(step, 11), toRow = address(step, 12);
  const positions = address(step, 13), count = word(step, 14);
  const residual = address(step, 15), residualGroup = address(step, 16), residualPlane = address(step, 17);
  const residualRow = address(step, 18), kind = word(step, 19), slopes = address(step, 20);
  const side = word(step, 21), values = address(step, 22), products = address(step, 23), chunk = word(step, 24);
  const points = <usize>((side + 2) * (side + 2));
  const blocks = (outputs + 5) / 6;
  const panelIn = (<usize>inputs) * PAIR, panelOut = (<usize>(blocks * 6)) * PAIR;
  const pointIn = spread(panelIn * (<usize>(chunk / 2))), pointOut = spread(panelOut * (<usize>(chunk / 2)));
  const pointWeights = (<usize>(blocks * inputs)) * 24;
  const all = count * groups;
  for (let first = 0; first < all; first += chunk) {
    const many = min(chunk, all - first);
    for (let i = 0; i < many; i++) {
      const n = first + i;
      let p = from + (<usize>(n / count)) * group + <usize>load<u32>(positions + (<usize>(n % count)) * 12);
      let v = values + (<usize>(i >> 1)) * panelIn + (<usize>(i & 1)) * VECTOR;
      for (let input = 0; input < inputs; input++) {
        if (side == 4) transformPatchSix(p, row, VECTOR, v, pointIn);
        else transformPatchFive(p, row, v, pointIn);
        p += plane;
        v += PAIR;
      }
    }
    const panels = (many + 1) >> 1;
    for (let k: usize = 0; k < points; k++) {
      multiplyPanels(values + k * pointIn, panelIn, inputs, weights + k * pointWeights, products + k * pointOut, panelOut, blocks, panels);
    }
    for (let i = 0; i < many; i++) {
      const n = first + i;
      const g = <usize>(n / count), at = positions + (<usize>(n % count)) * 12;
      let q = to + g * toGroup + <usize>load<u32>(at, 4);
      let r = residual == 0 ? 0 : residual + g * residualGroup + <usize>load<u32>(at, 8);
      let m = products + (<usize>(i >> 1)) * panelOut + (<usize>(i & 1)) * VECTOR;
      for (let output: usize = 0; output < <usize>outputs; output++) {
        collectTile(m, pointOut, side);
        const b = v128.load32_splat(bias + (output << 2)), slope = v128.load32_splat(slopes + (output << 2));
        let s = TILE;
        let target = q, kept = r;
        for (let y = 0; y < side; y++) {
          for (let x: usize = 0; x < <usize>side; x++) {
            let value = f32x4.add(v128.load(s), b);
            if (residual != 0) value = f32x4.add(value, v128.load(kept + x * VECTOR));
            v128.store(target + x * VECTOR, activate(value, kind, slope));
            s += VECTOR;
          }
          target += toRow;
          kept += residualRow;
        }
        q += toPlane;
        if (residual != 0) r += residualPlane;
        m += PAIR;
      }
    }
  }
}
