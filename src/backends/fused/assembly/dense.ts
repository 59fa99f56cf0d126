// Fully connected layers: ten neurons of four faces in ten registers. Weights [out / 10][in][10].
import { multiplyAdd, rectify, VECTOR } from "./vector";
import { DENSE_TILE } from "./plan";

export function connect(
  from: usize, inputs: i32, weights: usize, bias: usize, outputs: i32, to: usize, relu: bool,
): void {
  const end = from + (<usize>inputs) * VECTOR;
  let u = weights;
  for (let out = 0; out < outputs; out += DENSE_TILE) {
    let a0 = v128.load32_splat(bias), a1 = v128.load32_splat(bias, 4), a2 = v128.load32_splat(bias, 8);
    let a3 = v128.load32_splat(bias, 12), a4 = v128.load32_splat(bias, 16), a5 = v128.load32_splat(bias, 20);
    let a6 = v128.load32_splat(bias, 24), a7 = v128.load32_splat(bias, 28), a8 = v128.load32_splat(bias, 32);
    let a9 = v128.load32_splat(bias, 36);
    for (let p = from; p < end; p += VECTOR) {
      const x = v128.load(p);
      a0 = multiplyAdd(v128.load32_splat(u), x, a0);
      a1 = multiplyAdd(v128.load32_splat(u, 4), x, a1);
      a2 = multiplyAdd(v128.load32_splat(u, 8), x, a2);
      a3 = multiplyAdd(v128.load32_splat(u, 12), x, a3);
      a4 = multiplyAdd(v128.load32_splat(u, 16), x, a4);
      a5 = multiplyAdd(v128.load32_splat(u, 20), x, a5);
      a6 = multiplyAdd(v128.load32_splat(u, 24), x, a6);
      a7 = multiplyAdd(v128.load32_splat(u, 28), x, a7);
      a8 = multiplyAdd(v128.load32_splat(u, 32), x, a8);
      a9 = multiplyAdd(v128.load32_splat(u, 36), x, a9);
      u += 40;
    }
    put(to, a0, relu);
    put(to + 16, a1, relu);
    put(to + 32, a2, relu);
    put(to + 48, a3, relu);
    put(to + 64, a4, relu);
    put(to + 80, a5, relu);
    put(to + 96, a6, relu);
    put(to + 112, a7, relu);
    put(to + 128, a8, relu);
    put(to + 144, a9, relu);
    to += 160;
    bias += 40;
  }
}

// @ts-ignore: decorator
@inline
function put(to: usize, value: v128, relu: bool): void {
  v128.store(to, relu ? rectify(value) : value);
}
