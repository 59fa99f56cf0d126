// 3×3 convolutions of a picture as Winograd F(4×4, 3×3), channels in a vector: tiles go in chunks whose points stay in the second cache.
import { VECTOR } from "../../fused/assembly/vector";
import { activateAt, NONE } from "./activation";
import { collectTile, TILE, transformPatchSix } from "./batch-winograd";
import { multiplyStrip } from "./product";
import { address, word } from "./words";

const SIDE: usize = 4;
const POINTS: usize = 36;

/**
 * Words: from, row, pitch, inputs, weights [point][outputs / 8][input][8], floats of a point's, bias, vectors, to, row, pitch, residual or 0, row, pitch,
 * activation, slopes, tiles (offsets in the source, the target and the residual), their number, those of a chunk, points' values, bytes of one point's, products, bytes
 * of one point's, positions of a chunk's products, and zeros, as many as outputs. Tiles overlap where four does not divide the map's sides.
 */
export function convolveTiles(step: usize): void {
  const row = address(step, 2), pitch = address(step, 3), inputs = word(step, 4), weights = address(step, 5);
  const pointWeights = address(step, 6) << 2, vectors = word(step, 8);
  const toRow = address(step, 10), toPitch = address(step, 11), residual = address(step, 12);
  const residualRow = address(step, 13), residualPitch = address(step, 14);
  const kind = word(step, 15), slopes = address(step, 16), tiles = address(step, 17), count = word(step, 18);
  const chunk = word(step, 19), values = address(step, 20), pointIn = address(step, 21);
  const products = address(step, 22), pointOut = address(step, 23), positions = address(step, 24), zeros = address(step, 25);
  const bytesIn = (<usize>inputs) << 2, bytesOut = (<usize>vectors) * VECTOR;
  for (let first = 0; first < count; first += chunk) {
    const many = min(chunk, count - first);
    for (let i = 0; i < many; i++) {
      const p = address(step, 1) + <usize>load<u32>(tiles + (<usize>(first + i)) * 12);
      const v = values + (<usize>i) * bytesIn;
      for (let k: usize = 0; k < bytesIn; k += VECTOR) transformPatchSix(p + k, row, pitch, v + k, pointIn);
    }
    for (let point: usize = 0; point < POINTS; point++) {
      multiplyStrip(
        values + point * pointIn, positions, many, zeros, 1, inputs, weights + point * pointWeights, zeros, vectors,
        products + point * pointOut, 0, NONE, 0,
      );
    }
    for (let i = 0; i < many; i++) {
      const at = tiles + (<usize>(first + i)) * 12;
      const to = address(step, 9) + <usize>load<u32>(at, 4), kept = residual + <usize>load<u32>(at, 8);
      for (let k: usize = 0; k < bytesOut; k += VECTOR) {
        collectTile(products + (<usize>i) * bytesOut + k, pointOut, <i32>SIDE);
        const bias = v128.load(address(step, 7) + k);
        let s = TILE;
        for (let y: usize = 0; y < SIDE; y++) {
          for (let x: usize = 0; x < SIDE; x++) {
            let value = f32x4.add(v128.load(s), bias);
            if (residual != 0) value = f32x4.add(value, v128.load(kept + y * residualRow + x * residualPitch + k));
            v128.store(to + y * toRow + x * toPitch + k, activateAt(value, kind, slopes + k));
            s += VECTOR;
          }
        }
      }
    }
  }
}
