/**
 * The tiny face detector's network in tfjs operations: seven separable convolutions with leaky ReLU, a grid of five
 * anchors a cell (the architecture of face-api's TinyFaceDetector, after Tiny YOLO v2).
 */

import * as tf from "@tensorflow/tfjs-core";
import { ScoringError } from "../errors.ts";
import { formatShape, type Tensor } from "./tensor.ts";

/** One cell of the output covers this many input pixels each way; input sides are multiples of it. */
export const CELL_PIXELS = 32;
/** Values a cell: five anchors of x, y, width, height, objectness. */
export const CELL_VALUES = 25;
/** Negative slope of the leaky ReLU. */
const LEAK = 0.1;
/** Subtracted from red, green and blue before the division by 255. */
const MEAN_RGB = [117.001, 114.697, 97.404] as const;
/** Channels of the six hidden layers. */
const WIDTHS = [16, 32, 64, 128, 256, 512] as const;
/**
 * Rows of the first two stages that are computed at once. Their maps are the largest by far (64 bytes an input pixel
 * before the first pooling): in strips, the peak of a 608-pixel input stays below 20 MB instead of 60.
 */
const STRIP_ROWS = 32;

export interface TinyFaceNetwork {
  /**
   * Runs one picture on the current tfjs backend.
   * @param rgb `height × width × 3` values 0…255
   * @param width multiple of {@link CELL_PIXELS}, likewise `height`
   * @returns `[height/32 × width/32 × 25]` values, row-major
   */
  run(rgb: Uint8Array, width: number, height: number): Promise<Float32Array>;
  dispose(): void;
}

interface SeparableLayer {
  readonly depthwise: tf.Tensor4D;
  readonly pointwise: tf.Tensor4D;
  readonly bias: tf.Tensor1D;
}

/**
 * Uploads the weights to the current backend.
 * @throws ScoringError `model_invalid` if the tensors are not this network
 */
export function buildTinyFaceNetwork(tensors: ReadonlyMap<string, Tensor>): TinyFaceNetwork {
  const kept: tf.Tensor[] = [];
  const keep = <T extends tf.Tensor>(tensor: T): T => {
    kept.push(tensor);
    return tensor;
  };
  const filter = (name: string, shape: readonly [number, number, number, number]): tf.Tensor4D =>
    keep(tf.tensor4d(readTensor(tensors, name, shape), [...shape]));
  const first = foldNormalisation(
    readTensor(tensors, "conv0.filters", [3, 3, 3, WIDTHS[0]]),
    readTensor(tensors, "conv0.bias", [WIDTHS[0]]),
  );
  const firstFilter = keep(tf.tensor4d(first.filters, [3, 3, 3, WIDTHS[0]]));
  const firstBias = keep(tf.tensor1d(first.bias));
  const layers = WIDTHS.slice(1).map((outputs, i): SeparableLayer => {
    const inputs = WIDTHS[i] ?? 0;
    return {
      depthwise: filter(`conv${i + 1}.depthwise_filter`, [3, 3, inputs, 1]),
      pointwise: filter(`conv${i + 1}.pointwise_filter`, [1, 1, inputs, outputs]),
      bias: keep(tf.tensor1d(readTensor(tensors, `conv${i + 1}.bias`, [outputs]))),
    };
  });
  const lastFilter = filter("conv8.filters", [1, 1, 512, CELL_VALUES]);
  const lastBias = keep(tf.tensor1d(readTensor(tensors, "conv8.bias", [CELL_VALUES])));

  /** Input rows to the first stage's map: convolution without padding, then pooling. */
  const runFirst = (rgb: Uint8Array, width: number, height: number): tf.Tensor4D =>
    runInStrips(Math.ceil((height - 2) / 2), (from, to) => {
      // Output rows from…to of the pooled map need convolved rows 2·from…2·to, hence two more input rows.
      const start = 2 * from;
      const end = Math.min(height, 2 * to + 2);
      const strip = tf.tensor4d(Float32Array.from(rgb.subarray(start * width * 3, end * width * 3)), [
        1,
        end - start,
        width,
        3,
      ]);
      const map = tf.fused.conv2d({
        x: strip,
        filter: firstFilter,
        strides: 1,
        pad: "valid",
        bias: firstBias,
        activation: "leakyrelu",
        leakyreluAlpha: LEAK,
      });
      return tf.maxPool(map, 2, 2, "same");
    });

  return {
    async run(rgb, width, height) {
      const grid = tf.tidy(() => {
        let map = runFirst(rgb, width, height);
        for (const [i, layer] of layers.entries()) {
          const isLast = i === layers.length - 1;
          map = replace(map, (x) => (i === 0 ? runSecond(x, layer) : pool(separate(x, layer), isLast ? 1 : 2)));
        }
        return tf.fused.conv2d({ x: map, filter: lastFilter, strides: 1, pad: "valid", bias: lastBias });
      });
      try {
        return await grid.data<"float32">();
      } finally {
        grid.dispose();
      }
    },
    dispose: () => tf.dispose(kept),
  };
}

/** The second stage, in strips with one row of context on both sides. */
function runSecond(x: tf.Tensor4D, layer: SeparableLayer): tf.Tensor4D {
  const [, height, width, channels] = x.shape;
  return runInStrips(Math.ceil(height / 2), (from, to) => {
    const start = 2 * from - 1;
    const end = Math.min(height, 2 * to) + 1;
    const inside = tf.slice(
      x,
      [0, Math.max(0, start), 0, 0],
      [1, Math.min(height, end) - Math.max(0, start), width, channels],
    );
    // Zeros where the picture's border is: what the padding of the whole map would be.
    const padded = tf.pad(inside, [
      [0, 0],
      [start < 0 ? 1 : 0, end > height ? 1 : 0],
      [1, 1],
      [0, 0],
    ]);
    const map = tf.depthwiseConv2d(padded, layer.depthwise, 1, "valid");
    return pool(mix(map, layer), 2);
  });
}

function separate(x: tf.Tensor4D, layer: SeparableLayer): tf.Tensor4D {
  return mix(tf.depthwiseConv2d(x, layer.depthwise, 1, "same"), layer);
}

function mix(x: tf.Tensor4D, { pointwise, bias }: SeparableLayer): tf.Tensor4D {
  return tf.fused.conv2d({
    x,
    filter: pointwise,
    strides: 1,
    pad: "valid",
    bias,
    activation: "leakyrelu",
    leakyreluAlpha: LEAK,
  });
}

function pool(map: tf.Tensor4D, stride: 1 | 2): tf.Tensor4D {
  return tf.maxPool(map, 2, stride, "same");
}

/** Computes rows in strips, freeing all but each strip's result, and joins them. */
function runInStrips(rows: number, run: (from: number, to: number) => tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => {
    const strips: tf.Tensor4D[] = [];
    for (let from = 0; from < rows; from += STRIP_ROWS) {
      strips.push(tf.tidy(() => run(from, Math.min(rows, from + STRIP_ROWS))));
    }
    return tf.concat(strips, 1);
  });
}

/** Runs one layer and frees its input and intermediates at once. */
function replace(x: tf.Tensor4D, run: (x: tf.Tensor4D) => tf.Tensor4D): tf.Tensor4D {
  const result = tf.tidy(() => run(x));
  x.dispose();
  return result;
}

/** `conv((x − mean)/255)` as one convolution of `x`: exact, since the first layer has no padding. */
function foldNormalisation(filters: Float32Array, bias: Float32Array): { filters: Float32Array; bias: Float32Array } {
  const folded = filters.map((weight) => weight / 255);
  const foldedBias = Float64Array.from(bias);
  for (let i = 0; i < filters.length; i++) {
    const output = i % bias.length;
    const channel = Math.floor(i / bias.length) % 3;
    foldedBias[output]! -= (filters[i]! * MEAN_RGB[channel]!) / 255;
  }
  return { filters: folded, bias: Float32Array.from(foldedBias) };
}

function readTensor(tensors: ReadonlyMap<string, Tensor>, name: string, shape: readonly number[]): Float32Array {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new ScoringError("model_invalid", `tiny-face: tensor ${name} is missing`);
  if (tensor.shape.join() !== shape.join()) {
    throw new ScoringError(
      "model_invalid",
      `tiny-face: tensor ${name} has shape ${formatShape(tensor.shape)}, not ${formatShape(shape)}`,
    );
  }
  return tensor.data;
}
