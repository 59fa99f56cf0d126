/**
 * The network in plain loops and doubles: the reference that every engine is tested against, written to be read beside
 * the PyTorch module. It folds nothing, vectorizes nothing and is about a thousand times too slow to serve.
 */

import type { Classifier, Scores } from "./classifier.ts";
import { createGraphOracle } from "./graph/graph-oracle-classifier.ts";
import { BATCH_NORM_EPSILON } from "./fold.ts";
import { formatModelId, requireAlignCorners } from "./card.ts";
import { FACE_PIXELS, FACE_SIZE, LABEL_COUNT } from "./labels.ts";
import { checkFaces } from "./input-form.ts";
import type { Model } from "./model.ts";
import { readNetworkWidths, THETA_SIZE } from "./network-shapes.ts";
import { NORMALIZED } from "./pixels.ts";
import { computeProbabilities } from "./softmax.ts";
import type { Tensor } from "./tensor.ts";

/** A square feature map, `[channels][row][column]` row-major. */
interface FeatureMap {
  readonly channels: number;
  readonly size: number;
  readonly data: Float64Array;
}

/** θ, logits of one face, in doubles. */
export interface OracleOutput {
  /** 6 values, the 2×3 matrix row-major. */
  readonly theta: Float64Array;
  /** 7 values. */
  readonly logits: Float64Array;
}

/**
 * The reference classifier.
 * @throws ScoringError `model_invalid` if the tensors are not a Deep_Emotion network
 */
export function createOracle(model: Model): Classifier {
  if (model.card.family === "graph") return createGraphOracle(model);
  readNetworkWidths(model.tensors);
  const alignCorners = requireAlignCorners(model.card);
  return {
    model: formatModelId(model.card),
    labels: model.card.labels,
    input: model.card.input,
    engine: "oracle",
    batchSize: 1,
    // oxlint-disable-next-line typescript/require-await -- the port is asynchronous, the oracle is not
    async classify(pixels: Uint8Array, count: number): Promise<Scores> {
      checkFaces(model.card.input, pixels, count);
      const logits = new Float32Array(count * LABEL_COUNT);
      const theta = new Float32Array(count * THETA_SIZE);
      for (let i = 0; i < count; i++) {
        const face = runOracle(model.tensors, alignCorners, pixels.subarray(i * FACE_PIXELS, (i + 1) * FACE_PIXELS));
        logits.set(face.logits, i * LABEL_COUNT);
        theta.set(face.theta, i * THETA_SIZE);
      }
      const probabilities = computeProbabilities(logits, count, model.card.temperature);
      return { count, logits, probabilities, theta, embedding: null };
    },
    dispose() {},
  };
}

/** Runs one face, 2304 bytes, through the network. Steps as in docs/model.md, "The network". */
export function runOracle(
  tensors: ReadonlyMap<string, Tensor>,
  alignCorners: boolean,
  pixels: Uint8Array,
): OracleOutput {
  const weight = (name: string): Tensor => tensors.get(name)!;
  const conv = (map: FeatureMap, name: string): FeatureMap =>
    convolve(map, weight(`${name}.weight`), weight(`${name}.bias`).data);
  const linear = (input: Float64Array, name: string): Float64Array =>
    multiply(input, weight(`${name}.weight`), weight(`${name}.bias`).data);

  const input: FeatureMap = {
    channels: 1,
    size: FACE_SIZE,
    data: Float64Array.from(pixels, (level) => NORMALIZED[level]!),
  };

  let localization = reluMap(pool(conv(input, "localization.0")));
  localization = reluMap(pool(conv(localization, "localization.3")));
  const theta = linear(relu(linear(localization.data, "fc_loc.0")), "fc_loc.2");

  let map = sample(input, theta, alignCorners);
  map = reluMap(conv(map, "conv1"));
  map = reluMap(pool(conv(map, "conv2")));
  map = reluMap(conv(map, "conv3"));
  map = reluMap(pool(normalize(conv(map, "conv4"), tensors)));
  // Dropout stands here in the published network and is off when scoring.
  const logits = linear(relu(linear(map.data, "fc1")), "fc2");
  return { theta, logits };
}

/** Valid convolution with stride 1. */
function convolve(map: FeatureMap, weight: Tensor, bias: Float32Array): FeatureMap {
  const [outputs = 0, inputs = 0, kernel = 0] = weight.shape;
  const size = map.size - kernel + 1;
  const data = new Float64Array(outputs * size * size);
  for (let o = 0; o < outputs; o++) {
    for (let r = 0; r < size; r++) {
      for (let c = 0; c < size; c++) {
        let sum = bias[o]!;
        for (let i = 0; i < inputs; i++) {
          for (let y = 0; y < kernel; y++) {
            for (let x = 0; x < kernel; x++) {
              sum +=
                weight.data[((o * inputs + i) * kernel + y) * kernel + x]! *
                map.data[(i * map.size + r + y) * map.size + c + x]!;
            }
          }
        }
        data[(o * size + r) * size + c] = sum;
      }
    }
  }
  return { channels: outputs, size, data };
}

/** Max-pool 2×2, stride 2; an odd last row and column are dropped. */
function pool(map: FeatureMap): FeatureMap {
  const size = Math.floor(map.size / 2);
  const data = new Float64Array(map.channels * size * size);
  const at = (k: number, r: number, c: number): number => map.data[(k * map.size + r) * map.size + c]!;
  for (let k = 0; k < map.channels; k++) {
    for (let r = 0; r < size; r++) {
      for (let c = 0; c < size; c++) {
        data[(k * size + r) * size + c] = Math.max(
          at(k, 2 * r, 2 * c),
          at(k, 2 * r, 2 * c + 1),
          at(k, 2 * r + 1, 2 * c),
          at(k, 2 * r + 1, 2 * c + 1),
        );
      }
    }
  }
  return { channels: map.channels, size, data };
}

/** `norm` with its running statistics. */
function normalize(map: FeatureMap, tensors: ReadonlyMap<string, Tensor>): FeatureMap {
  const norm = (name: string, channel: number): number => tensors.get(`norm.${name}`)!.data[channel]!;
  const area = map.size * map.size;
  const data = map.data.map((value, i) => {
    const channel = Math.floor(i / area);
    const deviation = Math.sqrt(norm("running_var", channel) + BATCH_NORM_EPSILON);
    const standard = (value - norm("running_mean", channel)) / deviation;
    return standard * norm("weight", channel) + norm("bias", channel);
  });
  return { ...map, data };
}

/** `affine_grid` and `grid_sample`: bilinear, zeros outside. */
function sample(image: FeatureMap, theta: Float64Array, alignCorners: boolean): FeatureMap {
  const { size } = image;
  const [a = 0, b = 0, tx = 0, d = 0, e = 0, ty = 0] = theta;
  const toNormalized = (i: number): number => (alignCorners ? (2 * i) / (size - 1) - 1 : (2 * i + 1) / size - 1);
  const toPixel = (n: number): number => (alignCorners ? ((n + 1) / 2) * (size - 1) : ((n + 1) * size - 1) / 2);
  const at = (r: number, c: number): number =>
    r >= 0 && r < size && c >= 0 && c < size ? image.data[r * size + c]! : 0;
  const data = new Float64Array(size * size);
  for (let r = 0; r < size; r++) {
    for (let c = 0; c < size; c++) {
      const u = toNormalized(c);
      const v = toNormalized(r);
      const x = toPixel(a * u + b * v + tx);
      const y = toPixel(d * u + e * v + ty);
      const left = Math.floor(x);
      const top = Math.floor(y);
      const right = x - left;
      const down = y - top;
      data[r * size + c] =
        (1 - down) * ((1 - right) * at(top, left) + right * at(top, left + 1)) +
        down * ((1 - right) * at(top + 1, left) + right * at(top + 1, left + 1));
    }
  }
  return { channels: 1, size, data };
}

/** weight · input + bias. */
function multiply(input: Float64Array, weight: Tensor, bias: Float32Array): Float64Array {
  const [outputs = 0, inputs = 0] = weight.shape;
  const output = new Float64Array(outputs);
  for (let o = 0; o < outputs; o++) {
    let sum = bias[o]!;
    for (let i = 0; i < inputs; i++) sum += weight.data[o * inputs + i]! * input[i]!;
    output[o] = sum;
  }
  return output;
}

function relu(values: Float64Array): Float64Array {
  return values.map((value) => Math.max(0, value));
}

function reluMap(map: FeatureMap): FeatureMap {
  return { ...map, data: relu(map.data) };
}
