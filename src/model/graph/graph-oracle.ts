/**
 * Any network in plain loops and doubles: the reference that every engine is tested against. It fuses nothing and is
 * about a thousand times too slow to serve.
 */

import { ScoringError } from "../../errors.ts";
import { countElements } from "../tensor.ts";
import { locatePixel, normalizePixel } from "./affine-sample.ts";
import type { Network } from "./check-graph.ts";
import type { NodeOf, OperatorName } from "./graph.ts";
import { listResizeTaps } from "./resize.ts";
import { inferShapes, resolvePadding, type MapShape, type ValueShape, type Weights } from "./shapes.ts";

/** One value: channel by channel, row by row. */
export interface OracleValue {
  readonly shape: ValueShape;
  readonly data: Float64Array;
}

type Operation<Op extends OperatorName> = (
  node: NodeOf<Op>,
  inputs: readonly OracleValue[],
  shape: ValueShape,
  weights: Weights,
) => Float64Array;

/** `f` of every element; `index` counts channels. */
function each(value: OracleValue, f: (x: number, channel: number) => number): Float64Array {
  const area = value.data.length / value.shape[0];
  return value.data.map((x, i) => f(x, Math.floor(i / area)));
}

function pairwise(f: (a: number, b: number) => number) {
  return (_node: NodeOf<"add" | "multiply">, inputs: readonly OracleValue[]): Float64Array =>
    inputs[0]!.data.map((x, i) => f(x, inputs[1]!.data[i]!));
}

/** Of a window's taps, the first and the one behind the last that lie inside `side`; it starts at `start`. */
function listTapsInside(start: number, side: number, taps: number, spread: number): readonly [number, number] {
  return [Math.max(0, Math.ceil(-start / spread)), Math.min(taps, Math.ceil((side - start) / spread))];
}

/** One pool: `fold` of the elements of each window that lie inside the map, one after the other, then `end` of their number. */
function pool(start: number, fold: (sum: number, x: number) => number, end: (sum: number, count: number) => number) {
  return (node: NodeOf<"maxPool" | "averagePool">, inputs: readonly OracleValue[], shape: ValueShape): Float64Array => {
    const [channels, height, width] = asMap(inputs[0]!.shape);
    const [, rows, columns] = asMap(shape);
    const [top, left] = resolvePadding(node.padding, [height, width], node.size, node.stride);
    const source = inputs[0]!.data;
    const out = new Float64Array(countElements(shape));
    let at = 0;
    for (let k = 0; k < channels; k++) {
      for (let r = 0; r < rows; r++) {
        const firstRow = r * node.stride[0] - top;
        for (let c = 0; c < columns; c++) {
          const firstColumn = c * node.stride[1] - left;
          let sum = start;
          let count = 0;
          for (let y = Math.max(0, firstRow); y < Math.min(height, firstRow + node.size[0]); y++) {
            for (let x = Math.max(0, firstColumn); x < Math.min(width, firstColumn + node.size[1]); x++) {
              sum = fold(sum, source[(k * height + y) * width + x]!);
              count++;
            }
          }
          out[at++] = end(sum, count);
        }
      }
    }
    return out;
  };
}

const OPERATIONS: { readonly [Op in OperatorName]: Operation<Op> } = {
  conv(node, inputs, shape, weights) {
    const [, height, width] = asMap(inputs[0]!.shape);
    const [outputs, rows, columns] = asMap(shape);
    const weight = weights.get(node.weight)!;
    const [, share = 1, tall = 1, wide = 1] = weight.shape;
    const bias = node.bias === undefined ? null : weights.get(node.bias)!.data;
    const reach = [node.dilation[0] * (tall - 1) + 1, node.dilation[1] * (wide - 1) + 1] as const;
    const [top, left] = resolvePadding(node.padding, [height, width], reach, node.stride);
    const [spreadY, spreadX] = node.dilation;
    const source = inputs[0]!.data;
    const kernel = weight.data;
    const out = new Float64Array(countElements(shape));
    let at = 0;
    for (let o = 0; o < outputs; o++) {
      const first = Math.floor(o / (outputs / node.groups)) * share;
      for (let r = 0; r < rows; r++) {
        const startY = r * node.stride[0] - top;
        const [fromY, toY] = listTapsInside(startY, height, tall, spreadY);
        for (let c = 0; c < columns; c++) {
          const startX = c * node.stride[1] - left;
          const [fromX, toX] = listTapsInside(startX, width, wide, spreadX);
          let sum = bias?.[o] ?? 0;
          for (let i = 0; i < share; i++) {
            for (let y = fromY; y < toY; y++) {
              const line = ((first + i) * height + startY + y * spreadY) * width + startX;
              const taps = ((o * share + i) * tall + y) * wide;
              for (let x = fromX; x < toX; x++) sum += kernel[taps + x]! * source[line + x * spreadX]!;
            }
          }
          out[at++] = sum;
        }
      }
    }
    return out;
  },
  dense(node, inputs, shape, weights) {
    const { data } = weights.get(node.weight)!;
    const bias = node.bias === undefined ? null : weights.get(node.bias)!.data;
    const input = inputs[0]!.data;
    return Float64Array.from({ length: shape[0] }, (_, o) => {
      let sum = bias?.[o] ?? 0;
      for (let i = 0; i < input.length; i++) sum += data[o * input.length + i]! * input[i]!;
      return sum;
    });
  },
  maxPool: pool(-Infinity, Math.max, (most) => most),
  averagePool: pool(
    0,
    (sum, x) => sum + x,
    (sum, count) => sum / count,
  ),
  globalAveragePool(_node, inputs, [channels]) {
    const area = inputs[0]!.data.length / channels;
    return Float64Array.from({ length: channels }, (_, k) => {
      return inputs[0]!.data.subarray(k * area, (k + 1) * area).reduce((sum, x) => sum + x, 0) / area;
    });
  },
  add: pairwise((a, b) => a + b),
  multiply: pairwise((a, b) => a * b),
  concat(_node, inputs, shape) {
    const out = new Float64Array(countElements(shape));
    let at = 0;
    for (const { data } of inputs) {
      out.set(data, at);
      at += data.length;
    }
    return out;
  },
  pad(node, inputs, shape) {
    const [channels, height, width] = asMap(inputs[0]!.shape);
    const [, rows, columns] = asMap(shape);
    const [top, left] = node.sides;
    const out = new Float64Array(countElements(shape));
    for (let k = 0; k < channels; k++) {
      for (let r = 0; r < height; r++) {
        const from = (k * height + r) * width;
        const to = ((k + node.channels[0]) * rows + r + top) * columns + left;
        out.set(inputs[0]!.data.subarray(from, from + width), to);
      }
    }
    return out;
  },
  gate(_node, inputs) {
    return each(inputs[0]!, (x, channel) => x * inputs[1]!.data[channel]!);
  },
  reshape: (_node, inputs) => inputs[0]!.data,
  transpose(node, inputs, shape) {
    const [, height, width] = asMap(inputs[0]!.shape);
    const strides = [height * width, width, 1];
    const [first = 0, second = 0, third = 0] = node.order.map((axis) => strides[axis]!);
    const [channels, rows, columns] = asMap(shape);
    const out = new Float64Array(countElements(shape));
    for (let at = 0; at < channels * rows * columns; at++) {
      const column = at % columns;
      const row = Math.floor(at / columns) % rows;
      const channel = Math.floor(at / (rows * columns));
      out[at] = inputs[0]!.data[channel * first + row * second + column * third]!;
    }
    return out;
  },
  slice(node, inputs, shape) {
    const [, height = 1, width = 1] = inputs[0]!.shape;
    const [channels, rows = 1, columns = 1] = shape;
    const [first, top, left] = node.start;
    return Float64Array.from({ length: channels * rows * columns }, (_, at) => {
      const column = at % columns;
      const row = Math.floor(at / columns) % rows;
      const channel = Math.floor(at / (rows * columns));
      return inputs[0]!.data[((first + channel) * height + top + row) * width + left + column]!;
    });
  },
  resize(node, inputs, shape) {
    const [channels, height, width] = asMap(inputs[0]!.shape);
    const [, rows, columns] = asMap(shape);
    const down = listResizeTaps(node, height, rows);
    const right = listResizeTaps(node, width, columns);
    const out: number[] = [];
    for (let k = 0; k < channels; k++) {
      const at = (y: number, x: number): number => inputs[0]!.data[(k * height + y) * width + x]!;
      for (const y of down) {
        for (const x of right) {
          const upper = at(y.low, x.low) * (1 - x.share) + at(y.low, x.high) * x.share;
          const lower = at(y.high, x.low) * (1 - x.share) + at(y.high, x.high) * x.share;
          out.push(upper * (1 - y.share) + lower * y.share);
        }
      }
    }
    return Float64Array.from(out);
  },
  affineSample({ corners }, [map, matrix], shape) {
    const [channels, height, width] = asMap(shape);
    const [a = 0, b = 0, tx = 0, d = 0, e = 0, ty = 0] = matrix!.data;
    const out = new Float64Array(countElements(shape));
    for (let r = 0; r < height; r++) {
      for (let c = 0; c < width; c++) {
        const [u, v] = [normalizePixel(c, width, corners), normalizePixel(r, height, corners)];
        const x = locatePixel(a * u + b * v + tx, width, corners);
        const y = locatePixel(d * u + e * v + ty, height, corners);
        const [left, top] = [Math.floor(x), Math.floor(y)];
        const [right, down] = [x - left, y - top];
        for (let k = 0; k < channels; k++) {
          const at = (row: number, column: number): number =>
            row >= 0 && row < height && column >= 0 && column < width
              ? map!.data[(k * height + row) * width + column]!
              : 0;
          out[(k * height + r) * width + c] =
            (1 - down) * ((1 - right) * at(top, left) + right * at(top, left + 1)) +
            down * ((1 - right) * at(top + 1, left) + right * at(top + 1, left + 1));
        }
      }
    }
    return out;
  },
  flatten: (_node, inputs) => inputs[0]!.data,
  relu: (_node, inputs) => each(inputs[0]!, (x) => Math.max(0, x)),
  relu6: (_node, inputs) => each(inputs[0]!, (x) => Math.min(6, Math.max(0, x))),
  leakyRelu: ({ slope }, inputs) => each(inputs[0]!, (x) => (x < 0 ? slope * x : x)),
  prelu(node, inputs, _shape, weights) {
    const slopes = weights.get(node.weight)!.data;
    return each(inputs[0]!, (x, channel) => (x < 0 ? slopes[channel]! * x : x));
  },
  elu: (_node, inputs) => each(inputs[0]!, (x) => (x < 0 ? Math.expm1(x) : x)),
  sigmoid: (_node, inputs) => each(inputs[0]!, (x) => 1 / (1 + Math.exp(-x))),
  hardSigmoid: ({ slope }, inputs) => each(inputs[0]!, (x) => Math.max(0, Math.min(1, slope * x + 0.5))),
  hardSwish: (_node, inputs) => each(inputs[0]!, (x) => (x * Math.min(6, Math.max(0, x + 3))) / 6),
  tanh: (_node, inputs) => each(inputs[0]!, Math.tanh),
  atLeast: ({ bound }, inputs) => each(inputs[0]!, (x) => Math.max(bound, x)),
  atMost: ({ bound }, inputs) => each(inputs[0]!, (x) => Math.min(bound, x)),
  softmax(_node, inputs) {
    const highest = Math.max(...inputs[0]!.data);
    const powers = inputs[0]!.data.map((x) => Math.exp(x - highest));
    const sum = powers.reduce((total, x) => total + x, 0);
    return powers.map((x) => x / sum);
  },
};

function runNode<Op extends OperatorName>(
  node: NodeOf<Op>,
  inputs: readonly OracleValue[],
  shape: ValueShape,
  weights: Weights,
): Float64Array {
  const operation: Operation<Op> = OPERATIONS[node.op];
  return operation(node, inputs, shape, weights);
}

/**
 * Runs one input through a network.
 * @param input `[channels, height, width]`, channel by channel, as the graph says
 * @returns outputs by their names outside
 * @throws ScoringError `model_invalid` if the network does not take that input
 */
export function runGraphOracle({ graph, weights }: Network, input: OracleValue): Map<string, OracleValue> {
  const [channels, height, width] = asMap(input.shape);
  if (channels !== graph.input.channels || input.data.length !== countElements(input.shape)) {
    throw new ScoringError("model_invalid", `graph: an input of ${channels} channels, not ${graph.input.channels}`);
  }
  const shapes = inferShapes(graph, weights, height, width);
  const values = new Map<string, OracleValue>([[graph.input.name, input]]);
  for (const node of graph.nodes) {
    const shape = shapes.get(node.name)!;
    const inputs = node.inputs.map((name) => values.get(name)!);
    values.set(node.name, { shape, data: runNode(node, inputs, shape, weights) });
  }
  return new Map(Object.entries(graph.outputs).map(([outside, name]) => [outside, values.get(name)!]));
}

function asMap(shape: ValueShape): MapShape {
  if (shape.length !== 3) throw new ScoringError("model_invalid", `graph: a vector of ${shape[0]} where a map belongs`);
  return shape;
}
