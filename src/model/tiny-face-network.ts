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
/** Stages whose maps are large, 64 bytes an input pixel at first: they run in strips, so that no such map exists whole. */
const STRIPPED_STAGES = 3;
/**
 * Rows of the last stripped stage that are computed at once: 32 rows of the input and 14 of overlap. At 1024 pixels the
 * backend's memory then ends at 29 MiB; with 8 rows at 40, with 16 at 57, for 8 % less time.
 */
const STRIP_ROWS = 4;

/** The detector's network on the current tfjs backend. */
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

interface Sides {
  /** Of the input. */
  readonly width: number;
  readonly height: number;
  /** Rows of each stripped stage's map. */
  readonly mapRows: readonly number[];
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

  /** Rows `from…to` of the first stage's map: convolution without padding, then pooling. */
  const runFirst = (rgb: Uint8Array, width: number, height: number, from: number, to: number): tf.Tensor4D => {
    // Pooled rows from…to need convolved rows 2·from…2·to, hence two more input rows.
    const start = 2 * from;
    const end = Math.min(height, 2 * to + 2);
    const rows = Float32Array.from(rgb.subarray(start * width * 3, end * width * 3));
    const map = tf.fused.conv2d({
      x: tf.tensor4d(rows, [1, end - start, width, 3]),
      filter: firstFilter,
      strides: 1,
      pad: "valid",
      bias: firstBias,
      activation: "leakyrelu",
      leakyreluAlpha: LEAK,
    });
    return pool(map, 2);
  };

  /** Rows `from…to` of the map of a stage, from the picture. Frees all but the result. */
  const runStage = (stage: number, rgb: Uint8Array, sides: Sides, from: number, to: number): tf.Tensor4D =>
    tf.tidy(() => {
      if (stage === 0) return runFirst(rgb, sides.width, sides.height, from, to);
      const layer = layers[stage - 1]!;
      const height = sides.mapRows[stage - 1]!;
      // One row of context on both sides, zeros where the picture's border is.
      const start = 2 * from - 1;
      const end = Math.min(height, 2 * to) + 1;
      const below = runStage(stage - 1, rgb, sides, Math.max(0, start), Math.min(height, end));
      const padded = tf.pad(below, [
        [0, 0],
        [start < 0 ? 1 : 0, end > height ? 1 : 0],
        [1, 1],
        [0, 0],
      ]);
      return pool(mix(tf.depthwiseConv2d(padded, layer.depthwise, 1, "valid"), layer), 2);
    });

  const runStripped = (rgb: Uint8Array, width: number, height: number): tf.Tensor4D => {
    const mapRows = [Math.ceil((height - 2) / 2)];
    while (mapRows.length < STRIPPED_STAGES) mapRows.push(Math.ceil((mapRows.at(-1) ?? 0) / 2));
    const rows = mapRows.at(-1) ?? 0;
    return tf.tidy(() => {
      const strips: tf.Tensor4D[] = [];
      for (let from = 0; from < rows; from += STRIP_ROWS) {
        const to = Math.min(rows, from + STRIP_ROWS);
        strips.push(runStage(STRIPPED_STAGES - 1, rgb, { width, height, mapRows }, from, to));
      }
      return tf.concat(strips, 1);
    });
  };

  return {
    async run(rgb, width, height) {
      const grid = tf.tidy(() => {
        let map = runStripped(rgb, width, height);
        for (const [i, layer] of layers.slice(STRIPPED_STAGES - 1).entries()) {
          const isLast = i === layers.length - STRIPPED_STAGES;
          map = replace(map, (x) => pool(separate(x, layer), isLast ? 1 : 2));
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
