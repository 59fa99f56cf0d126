/**
 * The network as an ONNX graph, opset 16, from the same tensors as every other engine: uint8 pixels in, probabilities
 * out, any batch. Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
 */

import { foldNetwork, type Layer } from "../fold.ts";
import { FACE_SIZE, LABEL_COUNT } from "../labels.ts";
import type { Model } from "../model.ts";
import {
  addIntegers,
  addNode,
  addNumbers,
  addTensor,
  finishOnnx,
  FLOAT,
  UINT8,
  type OnnxGraph,
} from "./onnx-writer.ts";

const SIDE = FACE_SIZE;

function addWeights(graph: OnnxGraph, { weight, bias }: Layer): [string, string] {
  return [addTensor(graph, weight.shape, weight.data), addTensor(graph, [bias.length], bias)];
}

function addConvolution(graph: OnnxGraph, input: string, layer: Layer, pool: boolean): string {
  const output = addNode(graph, "Conv", [input, ...addWeights(graph, layer)]);
  if (!pool) return addNode(graph, "Relu", [output]);
  return addNode(graph, "Relu", [addNode(graph, "MaxPool", [output], { kernel_shape: [2, 2], strides: [2, 2] })]);
}

function addDense(graph: OnnxGraph, input: string, layer: Layer): string {
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

/** The bytes of an .onnx file: input `pixels` uint8 [N,1,48,48], output `probabilities` float [N,7]. */
export function encodeDeepEmotion(model: Model): Uint8Array {
  const network = foldNetwork(model.tensors);
  const graph: OnnxGraph = { nodes: [], initializers: [] };
  const scalar = (value: number): string => addNumbers(graph, [value]);
  const shape = (...sizes: number[]): string => addIntegers(graph, sizes);

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

  return finishOnnx(graph, {
    name: "deep-emotion",
    input: { name: "pixels", type: UINT8, shape: [1, SIDE, SIDE] },
    outputs: { probabilities: [LABEL_COUNT] },
  });
}
