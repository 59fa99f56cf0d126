/**
 * The network as an ONNX graph, opset 16, from the same tensors as every other engine: uint8 pixels in, probabilities
 * out, any batch. Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
 */

import { foldNetwork, type Layer } from "../src/model/fold.ts";
import type { Model } from "../src/model/model.ts";
import { bytesField, floatField, integerField, message, textField, type Field } from "./protobuf.ts";

const FLOAT = 1;
const UINT8 = 2;
const INT64 = 7;
const SIDE = 48;

type Attribute = number | string | readonly number[] | { readonly float: number };

interface Graph {
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
function addNode(
  graph: Graph,
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
function addTensor(graph: Graph, shape: readonly number[], values: Float32Array | BigInt64Array): string {
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

function addWeights(graph: Graph, { weight, bias }: Layer): [string, string] {
  return [addTensor(graph, weight.shape, weight.data), addTensor(graph, [bias.length], bias)];
}

function addConvolution(graph: Graph, input: string, layer: Layer, pool: boolean): string {
  const output = addNode(graph, "Conv", [input, ...addWeights(graph, layer)]);
  if (!pool) return addNode(graph, "Relu", [output]);
  return addNode(graph, "Relu", [addNode(graph, "MaxPool", [output], { kernel_shape: [2, 2], strides: [2, 2] })]);
}

function addDense(graph: Graph, input: string, layer: Layer): string {
  return addNode(graph, "Gemm", [input, ...addWeights(graph, layer)], { transB: 1 });
}

/** Normalized coordinates (x, y, 1) of the output pixels, as `affine_grid` has them; ONNX's AffineGrid comes with opset 20. */
function listCoordinates(alignCorners: boolean): Float32Array {
  const at = (i: number): number => (alignCorners ? (2 * i) / (SIDE - 1) - 1 : (2 * i + 1) / SIDE - 1);
  return Float32Array.from({ length: SIDE * SIDE * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return i % 3 === 0 ? at(pixel % SIDE) : i % 3 === 1 ? at(Math.floor(pixel / SIDE)) : 1;
  });
}

function describeValue(field: number, name: string, type: number, shape: readonly number[]): Field {
  const dimensions = [textField(2, "N"), ...shape.map((size) => integerField(1, size))];
  const dims = message(dimensions.map((dimension) => bytesField(1, dimension)));
  const tensor = message([integerField(1, type), bytesField(2, dims)]);
  return bytesField(field, message([textField(1, name), bytesField(2, message([bytesField(1, tensor)]))]));
}

/** The bytes of an .onnx file: input `pixels` uint8 [N,1,48,48], output `probabilities` float [N,7]. */
export function encodeOnnxModel(model: Model): Uint8Array {
  const network = foldNetwork(model.tensors);
  const graph: Graph = { nodes: [], initializers: [] };
  const scalar = (value: number): string => addTensor(graph, [1], Float32Array.of(value));
  const shape = (...sizes: number[]): string =>
    addTensor(
      graph,
      [sizes.length],
      BigInt64Array.from(sizes, (size) => BigInt(size)),
    );

  const real = addNode(graph, "Cast", ["pixels"], { to: FLOAT });
  const image = addNode(graph, "Sub", [addNode(graph, "Mul", [real, scalar(2 / 255)]), scalar(1)]);

  let map = addConvolution(graph, image, network.localization0, true);
  map = addConvolution(graph, map, network.localization3, true);
  const hidden = addNode(graph, "Relu", [addDense(graph, addNode(graph, "Flatten", [map]), network.fcLoc0)]);
  const theta = addNode(graph, "Reshape", [addDense(graph, hidden, network.fcLoc2), shape(-1, 2, 3)]);
  const columns = addNode(graph, "Transpose", [theta], { perm: [0, 2, 1] });
  const aligned = model.card.alignCorners === true;
  const coordinates = addTensor(graph, [SIDE * SIDE, 3], listCoordinates(aligned));
  const grid = addNode(graph, "Reshape", [addNode(graph, "MatMul", [coordinates, columns]), shape(-1, SIDE, SIDE, 2)]);
  map = addNode(graph, "GridSample", [image, grid], {
    mode: "bilinear",
    padding_mode: "zeros",
    align_corners: aligned ? 1 : 0,
  });

  map = addConvolution(graph, map, network.conv1, false);
  map = addConvolution(graph, map, network.conv2, true);
  map = addConvolution(graph, map, network.conv3, false);
  map = addConvolution(graph, map, network.conv4, true);
  const features = addNode(graph, "Relu", [addDense(graph, addNode(graph, "Flatten", [map]), network.fc1)]);
  let logits = addDense(graph, features, network.fc2);
  if (model.card.temperature !== null) logits = addNode(graph, "Div", [logits, scalar(model.card.temperature)]);
  addNode(graph, "Softmax", [logits], { axis: 1 }, "probabilities");

  return message([
    // ir_version 8 came with opset 15 and 16
    integerField(1, 8),
    textField(2, "countenance-bench"),
    bytesField(
      7,
      message([
        ...graph.nodes,
        textField(2, "deep-emotion"),
        ...graph.initializers,
        describeValue(11, "pixels", UINT8, [1, SIDE, SIDE]),
        describeValue(12, "probabilities", FLOAT, [7]),
      ]),
    ),
    bytesField(8, message([textField(1, ""), integerField(2, 16)])),
  ]);
}
