// conv1 reads one plane: so few multiplications a value that transforms would cost more than they save.
import { multiplyAdd, rectify, VECTOR } from "./vector";
import { SIDE, TILE } from "./plan";

/** conv1: 3×3 on 48×48, ReLU → 46×46. Weights [co / 5][9][5]. */
export function convolveThree(from: usize, weights: usize, bias: usize, outputs: i32, to: usize): void {
  const row = (<usize>SIDE) * VECTOR;
  const plane: usize = 46 * 46 * VECTOR;
  const blocks = (outputs + TILE - 1) / TILE;
  for (let block = 0; block < blocks; block++) {
    const d = bias + (<usize>(block * TILE) << 2);
    let out = to;
    for (let y: usize = 0; y < 46; y++) {
      for (let x: usize = 0; x < 46; x += 2) {
        let a0 = v128.load32_splat(d), a1 = v128.load32_splat(d, 4), a2 = v128.load32_splat(d, 8);
        let a3 = v128.load32_splat(d, 12), a4 = v128.load32_splat(d, 16);
        let b0 = a0, b1 = a1, b2 = a2, b3 = a3, b4 = a4;
        let p = from + y * row + x * VECTOR;
        let u = weights;
        for (let ky = 0; ky < 3; ky++) {
          const end = p + 3 * VECTOR;
          while (p < end) {
            const v = v128.load(p), z = v128.load(p, 16);
            let w = v128.load32_splat(u);
            a0 = multiplyAdd(w, v, a0);
            b0 = multiplyAdd(w, z, b0);
            w = v128.load32_splat(u, 4);
            a1 = multiplyAdd(w, v, a1);
            b1 = multiplyAdd(w, z, b1);
            w = v128.load32_splat(u, 8);
            a2 = multiplyAdd(w, v, a2);
            b2 = multiplyAdd(w, z, b2);
            w = v128.load32_splat(u, 12);
            a3 = multiplyAdd(w, v, a3);
            b3 = multiplyAdd(w, z, b3);
            w = v128.load32_splat(u, 16);
            a4 = multiplyAdd(w, v, a4);
            b4 = multiplyAdd(w, z, b4);
            u += 20;
            p += VECTOR;
          }
          p += row - 3 * VECTOR;
        }
        storePair(out, a0, b0);
        storePair(out + plane, a1, b1);
        storePair(out + 2 * plane, a2, b2);
        storePair(out + 3 * plane, a3, b3);
        storePair(out + 4 * plane, a4, b4);
        out += 2 * VECTOR;
      }
    }
    to += 5 * plane;
    weights += 9 * 20;
  }
}

// @ts-ignore: decorator
@inline
function storePair(to: usize, a: v128, b: v128): void {
  v128.store(to, rectify(a));
  v128.store(to, rectify(b), 16);
}
