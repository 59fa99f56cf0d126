/** Weights in TensorFlow's layouts as the graph has them. */

import type { Tensor } from "../tensor.ts";

/** A kernel `[height, width, inputs, outputs]` as `[outputs, inputs, height, width]`. */
export function turnKernel({ shape, data }: Tensor): Tensor {
  const [tall = 0, wide = 0, inputs = 0, outputs = 0] = shape;
  const turned = new Float32Array(data.length);
  for (let at = 0; at < data.length; at++) {
    const tap = Math.floor(at / (inputs * outputs));
    const input = Math.floor(at / outputs) % inputs;
    turned[((at % outputs) * inputs + input) * tall * wide + tap] = data[at]!;
  }
  return { shape: [outputs, inputs, tall, wide], data: turned };
}

/** A depthwise kernel `[height, width, inputs, multiplier]` as `[inputs × multiplier, 1, height, width]`: the outputs of an input follow each other. */
export function turnDepthwiseKernel({ shape, data }: Tensor): Tensor {
  const [tall = 0, wide = 0, inputs = 0, multiplier = 0] = shape;
  const outputs = inputs * multiplier;
  const turned = new Float32Array(data.length);
  for (let at = 0; at < data.length; at++) {
    turned[(at % outputs) * tall * wide + Math.floor(at / outputs)] = data[at]!;
  }
  return { shape: [outputs, 1, tall, wide], data: turned };
}

/**
 * A matrix `[inputs, outputs]` as `[outputs, inputs]`.
 * @param map shape of the map whose flattening it reads, pixel by pixel in TensorFlow and channel by channel in the graph
 */
export function turnMatrix({ shape, data }: Tensor, map: readonly [number, number, number] | null): Tensor {
  const [inputs = 0, outputs = 0] = shape;
  const [channels, height, width] = map ?? [1, inputs, 1];
  const isWhole = channels * height * width === inputs;
  const turned = new Float32Array(data.length);
  for (let i = 0; i < inputs; i++) {
    const place = isWhole ? (i % channels) * height * width + Math.floor(i / channels) : i;
    for (let o = 0; o < outputs; o++) turned[o * inputs + place] = data[i * outputs + o]!;
  }
  return { shape: [outputs, inputs], data: turned };
}
