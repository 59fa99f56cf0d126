/** Writes an ONNX file: nodes, constants, an input and outputs. Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. */

import { bytesField, floatField, integerField, message, textField, type Field } from "./protobuf.ts";

/** Types of numbers: TensorProto.DataType. */
export const FLOAT = 1;
/** Bytes. */
export const UINT8 = 2;
const INT64 = 7;

/** An attribute's value: whole numbers, text, or a number of 32 bits. */
export type Attribute = number | string | readonly number[] | { readonly float: number };

/** A graph that is being written. */
export interface OnnxGraph {
  readonly nodes: Field[];
  readonly initializers: Field[];
}

function describeAttribute(name: string, value: Attribute): Field {
  // AttributeProto.type: FLOAT 1, INT 2, STRING 3, INTS 7
  if (typeof value === "number") {
    return bytesField(5, message([textField(1, name), integerField(3, value), integerField(20, 2)]));
  }
  if (typeof value === "string") {
    return bytesField(5, message([textField(1, name), textField(4, value), integerField(20, 3)]));
  }
  if ("float" in value) {
    return bytesField(5, message([textField(1, name), floatField(2, value.float), integerField(20, 1)]));
  }
  return bytesField(5, message([textField(1, name), ...value.map((v) => integerField(8, v)), integerField(20, 7)]));
}

/** Adds a node and gives the name of its output. */
export function addNode(
  graph: OnnxGraph,
  operator: string,
  inputs: readonly string[],
  attributes: Readonly<Record<string, Attribute>> = {},
  output = `${operator}${graph.nodes.length}`,
): string {
  graph.nodes.push(
    bytesField(
      1,
      message([
        ...inputs.map((input) => textField(1, input)),
        textField(2, output),
        textField(4, operator),
        ...Object.entries(attributes).map(([name, value]) => describeAttribute(name, value)),
      ]),
    ),
  );
  return output;
}

/** Adds a constant and gives its name. */
export function addTensor(graph: OnnxGraph, shape: readonly number[], values: Float32Array | BigInt64Array): string {
  const name = `c${graph.initializers.length}`;
  const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  graph.initializers.push(
    bytesField(
      5,
      message([
        ...shape.map((size) => integerField(1, size)),
        integerField(2, values instanceof Float32Array ? FLOAT : INT64),
        textField(8, name),
        bytesField(9, raw),
      ]),
    ),
  );
  return name;
}

function describeValue(field: number, name: string, type: number, shape: readonly number[]): Field {
  const dimensions = [textField(2, "N"), ...shape.map((size) => integerField(1, size))];
  const dims = message(dimensions.map((dimension) => bytesField(1, dimension)));
  const tensor = message([integerField(1, type), bytesField(2, dims)]);
  return bytesField(field, message([textField(1, name), bytesField(2, message([bytesField(1, tensor)]))]));
}

/** What goes in and comes out. */
export interface OnnxDescription {
  readonly name: string;
  readonly input: { readonly name: string; readonly type: number; readonly shape: readonly number[] };
  /** Names and shapes, the batch left out. */
  readonly outputs: Readonly<Record<string, readonly number[]>>;
}

/** The bytes of an .onnx file, opset 16. */
export function finishOnnx(graph: OnnxGraph, { name, input, outputs }: OnnxDescription): Uint8Array {
  return message([
    // ir_version 8 came with opset 15 and 16
    integerField(1, 8),
    textField(2, "countenance"),
    bytesField(
      7,
      message([
        ...graph.nodes,
        textField(2, name),
        ...graph.initializers,
        describeValue(11, input.name, input.type, input.shape),
        ...Object.entries(outputs).map(([output, shape]) => describeValue(12, output, FLOAT, shape)),
      ]),
    ),
    bytesField(8, message([textField(1, ""), integerField(2, 16)])),
  ]);
}

/** Constants of one dimension. */
export function addNumbers(graph: OnnxGraph, values: readonly number[]): string {
  return addTensor(graph, [values.length], Float32Array.from(values));
}

/** Whole numbers of one dimension, for shapes. */
export function addIntegers(graph: OnnxGraph, values: readonly number[]): string {
  return addTensor(graph, [values.length], BigInt64Array.from(values, BigInt));
}
