/** Writes the operators of a Keras network as tf2onnx does: ONNX's channels first inside, TensorFlow's channels last between. */

import {
  addIntegers,
  addNode,
  addTensor,
  type Attribute,
  finishOnnx,
  FLOAT,
  type OnnxGraph,
} from "../../../../src/model/export/onnx-writer.ts";
import type { Tensor } from "../../../../src/model/tensor.ts";

const INT32 = 6;
const INT64 = 7;

/** Writes nodes with channels last between them, or with channels first from the first transpose on. */
export class KerasWriter {
  readonly graph: OnnxGraph = { nodes: [], initializers: [] };
  readonly opset: number;
  readonly optimized: boolean;

  constructor(opset: number, optimized: boolean) {
    this.opset = opset;
    this.optimized = optimized;
  }

  node(op: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    return addNode(
      this.graph,
      op,
      inputs,
      attributes,
      `StatefulPartitionedCall/model/${op}__${this.graph.nodes.length}:0`,
    );
  }

  tensor({ shape, data }: Tensor): string {
    return addTensor(this.graph, shape, data);
  }

  integers(...values: number[]): string {
    return addIntegers(this.graph, values);
  }

  scalar(value: number): string {
    return addTensor(this.graph, [], Float32Array.of(value));
  }

  /** One number a channel, as it broadcasts over a map here. */
  perChannel({ data }: Tensor): string {
    return addTensor(this.graph, this.optimized ? [data.length, 1, 1] : [data.length], data);
  }

  /** An operator over channels first. */
  first(
    op: string,
    [map = "", ...rest]: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string {
    if (this.optimized) return this.node(op, [map, ...rest], attributes);
    const turned = this.node("Transpose", [map], { perm: [0, 3, 1, 2] });
    return this.node("Transpose", [this.node(op, [turned, ...rest], attributes)], { perm: [0, 2, 3, 1] });
  }

  /** The place of an axis of channels, rows or columns here. */
  axis(of: "channels" | "rows" | "columns"): number {
    const places = this.optimized ? { channels: 1, rows: 2, columns: 3 } : { channels: 3, rows: 1, columns: 2 };
    return places[of];
  }

  /** The mean over rows and columns; axes became an input with opset 18. */
  mean(map: string, keepdims: 0 | 1): string {
    const axes = [this.axis("rows"), this.axis("columns")];
    return this.opset < 18
      ? this.node("ReduceMean", [map], { axes, keepdims })
      : this.node("ReduceMean", [map, this.integers(...axes)], { keepdims });
  }

  /** A bias by itself, as BiasAdd is without the optimizer; with it the convolution has it. */
  convolve(map: string, weight: Tensor, bias: Tensor, attributes: Readonly<Record<string, Attribute>>): string {
    const [, , tall = 1, wide = 1] = weight.shape;
    const all = { dilations: [1, 1], kernel_shape: [tall, wide], ...attributes };
    if (this.optimized) return this.first("Conv", [map, this.tensor(weight), this.tensor(bias)], all);
    // Weights are TensorFlow's, rows and columns first, and turned by a node of their own.
    const last = { shape: [tall, wide, weight.shape[1]!, weight.shape[0]!], data: permuteFilter(weight) };
    const turned = this.node("Transpose", [this.tensor(last)], { perm: [3, 2, 0, 1] });
    return this.node("Add", [this.first("Conv", [map, turned], all), this.perChannel(bias)]);
  }

  /** The file. @param side of the input @param labels numbers that come out */
  finish(scores: string, side: number, labels: number): Uint8Array {
    addNode(this.graph, "Identity", [scores], {}, "Identity:0");
    const input = { name: "input_1", type: FLOAT, shape: [side, side, 1] };
    const bytes = finishOnnx(this.graph, { name: "tf2onnx", input, outputs: { "Identity:0": [labels] } });
    // The version of the operators is the last number of the file.
    if (bytes.at(-1) !== 16) throw new Error("the file does not end in its opset");
    bytes[bytes.length - 1] = this.opset;
    return bytes;
  }
}

/** `[outputs, inputs, rows, columns]` to `[rows, columns, inputs, outputs]`. */
function permuteFilter({ shape, data }: Tensor): Float32Array {
  const [outputs = 0, inputs = 0, tall = 0, wide = 0] = shape;
  return Float32Array.from(data, (_, at) => {
    const [o, rest] = [at % outputs, Math.floor(at / outputs)];
    const [i, place] = [rest % inputs, Math.floor(rest / inputs)];
    return data[(o * inputs + i) * tall * wide + place]!;
  });
}

/** Keras's `Reshape((1, 1, channels))` of a vector: the batch is read off the value. */
export function reshapeVector(to: KerasWriter, vector: string, sizes: readonly number[]): string {
  const shape = to.node("Cast", [to.node("Shape", [vector])], { to: INT32 });
  const batch = to.node("Slice", [shape, to.integers(0), to.integers(1), to.integers(0)]);
  const number = to.node("Squeeze", [batch, to.integers(0)]);
  const parts = [to.node("Unsqueeze", [number, to.integers(0)]), ...sizes.map((size) => to.integers(size))];
  const target = to.node("Cast", [to.node("Concat", parts, { axis: 0 })], { to: INT64 });
  return to.node("Reshape", [vector, target]);
}
