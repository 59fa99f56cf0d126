/**
 * The Deep_Emotion network in tfjs operations, on whatever backend is current. Batch shape is fixed, so that a GPU
 * compiles each shader once; every intermediate is freed by `tidy`.
 *
 * tfjs is channels-last: weights are laid out anew here, once, from PyTorch's channels-first order.
 */

import * as tf from "@tensorflow/tfjs-core";
import { foldNetwork, type FoldedNetwork, type Layer } from "./fold.ts";
import { FACE_SIZE } from "./labels.ts";
import { MAP_SIZES } from "./network-shapes.ts";
import { buildSamplerMatrix, TRANSFORM_SIZE } from "./sampler.ts";
import { countElements, type Tensor } from "./tensor.ts";

/** The network on the backend that was current when it was built. */
export interface TfjsNetwork {
  /**
   * Runs one batch synchronously (a GPU backend only enqueues).
   * @param input `batch` faces of normalized pixels, channels together
   * @returns tensors the caller disposes, by name: `[batch, values]` each. Deep_Emotion's are `theta` and `logits`
   */
  run(input: Float32Array): Readonly<Record<string, tf.Tensor2D>>;
  /** Frees the weights. */
  dispose(): void;
}

/**
 * Uploads the weights to the current tfjs backend.
 * @param batchSize faces per {@link TfjsNetwork.run}
 * @throws ScoringError `model_invalid` if the tensors are not this network
 */
export function buildTfjsNetwork(
  tensors: ReadonlyMap<string, Tensor>,
  options: { readonly alignCorners: boolean; readonly batchSize: number },
): TfjsNetwork {
  const weights = uploadWeights(foldNetwork(tensors), options.alignCorners);
  const { batchSize } = options;
  return {
    run: (input) =>
      tf.tidy(() => {
        const image = tf.tensor4d(input, [batchSize, FACE_SIZE, FACE_SIZE, 1]);
        const theta = locate(image, weights, batchSize);
        const transforms = tf.add<tf.Tensor2D>(tf.matMul(theta, weights.samplerMatrix), weights.samplerOffset);
        const sampled = tf.image.transform(image, transforms, "bilinear", "constant", 0, [FACE_SIZE, FACE_SIZE]);
        return { theta, logits: classify(sampled, weights, batchSize) };
      }),
    dispose: () => tf.dispose(weights.all),
  };
}

/** The localization branch: `[batch, 48, 48, 1]` to θ `[batch, 6]`. */
function locate(image: tf.Tensor4D, weights: Weights, batchSize: number): tf.Tensor2D {
  let map = pool(convolve(image, weights.localization0));
  map = pool(convolve(map, weights.localization3));
  const hidden = connect(tf.reshape<tf.Rank.R2>(map, [batchSize, -1]), weights.fcLoc0, "relu");
  return connect(hidden, weights.fcLoc2, "linear");
}

/** The sampled face `[batch, 48, 48, 1]` to logits `[batch, 7]`. */
function classify(image: tf.Tensor4D, weights: Weights, batchSize: number): tf.Tensor2D {
  let map = convolve(image, weights.conv1);
  map = pool(convolve(map, weights.conv2));
  map = convolve(map, weights.conv3);
  map = pool(convolve(map, weights.conv4));
  const hidden = connect(tf.reshape<tf.Rank.R2>(map, [batchSize, -1]), weights.fc1, "relu");
  return connect(hidden, weights.fc2, "linear");
}

/** ReLU is fused in before the pool where PyTorch has it behind: the maximum of a monotone function is the same. */
function convolve(x: tf.Tensor4D, { filter, bias }: ConvLayer): tf.Tensor4D {
  return tf.fused.conv2d({ x, filter, strides: 1, pad: "valid", dataFormat: "NHWC", bias, activation: "relu" });
}

function pool(map: tf.Tensor4D): tf.Tensor4D {
  return tf.maxPool(map, 2, 2, "valid");
}

function connect(a: tf.Tensor2D, { weight, bias }: DenseLayer, activation: "relu" | "linear"): tf.Tensor2D {
  return tf.reshape<tf.Rank.R2>(tf.fused.matMul({ a, b: weight, bias, activation }), [a.shape[0], bias.shape[0]]);
}

interface ConvLayer {
  readonly filter: tf.Tensor4D;
  readonly bias: tf.Tensor1D;
}

interface DenseLayer {
  readonly weight: tf.Tensor2D;
  readonly bias: tf.Tensor1D;
}

type ConvName = "localization0" | "localization3" | "conv1" | "conv2" | "conv3" | "conv4";
type DenseName = "fcLoc0" | "fcLoc2" | "fc1" | "fc2";
type Weights = Readonly<Record<ConvName, ConvLayer> & Record<DenseName, DenseLayer>> & {
  readonly samplerMatrix: tf.Tensor2D;
  readonly samplerOffset: tf.Tensor1D;
  readonly all: tf.Tensor[];
};

function uploadWeights(network: FoldedNetwork, alignCorners: boolean): Weights {
  const all: tf.Tensor[] = [];
  const keep = <T extends tf.Tensor>(tensor: T): T => {
    all.push(tensor);
    return tensor;
  };
  const bias = (layer: Layer): tf.Tensor1D => keep(tf.tensor1d(layer.bias));
  const conv = (layer: Layer): ConvLayer => {
    const [outputs = 0, inputs = 0, height = 0, width = 0] = layer.weight.shape;
    const hwio = permute(layer.weight, [2, 3, 1, 0]);
    return { filter: keep(tf.tensor4d(hwio, [height, width, inputs, outputs])), bias: bias(layer) };
  };
  const dense = (layer: Layer): DenseLayer => {
    const [outputs = 0, inputs = 0] = layer.weight.shape;
    return { weight: keep(tf.tensor2d(permute(layer.weight, [1, 0]), [inputs, outputs])), bias: bias(layer) };
  };
  /** A dense layer behind a flattened map: its columns go from channel-row-column to row-column-channel. */
  const flattened = (layer: Layer, side: number): DenseLayer => {
    const [outputs = 0, inputs = 0] = layer.weight.shape;
    const chw = { shape: [outputs, inputs / side ** 2, side, side], data: layer.weight.data };
    return { weight: keep(tf.tensor2d(permute(chw, [2, 3, 1, 0]), [inputs, outputs])), bias: bias(layer) };
  };
  const sampler = buildSamplerMatrix(alignCorners);
  return {
    localization0: conv(network.localization0),
    localization3: conv(network.localization3),
    fcLoc0: flattened(network.fcLoc0, MAP_SIZES.localization3Pooled),
    fcLoc2: dense(network.fcLoc2),
    conv1: conv(network.conv1),
    conv2: conv(network.conv2),
    conv3: conv(network.conv3),
    conv4: conv(network.conv4),
    fc1: flattened(network.fc1, MAP_SIZES.conv4Pooled),
    fc2: dense(network.fc2),
    samplerMatrix: keep(tf.tensor2d(sampler.matrix, [6, TRANSFORM_SIZE])),
    samplerOffset: keep(tf.tensor1d(sampler.offset)),
    all,
  };
}

/** Copies values so that axis `order[i]` of the source becomes axis `i`. */
export function permute({ shape, data }: Tensor, order: readonly number[]): Float32Array {
  const strides = shape.map((_, axis) => countElements(shape.slice(axis + 1)));
  const sizes = order.map((axis) => shape[axis]!);
  const steps = order.map((axis) => strides[axis]!);
  const result = new Float32Array(data.length);
  const index = sizes.map(() => 0);
  let from = 0;
  for (let to = 0; to < result.length; to++) {
    result[to] = data[from]!;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++index[axis]! < sizes[axis]!) break;
      from -= steps[axis]! * sizes[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}
