/** A graph as the nodes of an ONNX file: one row for each operator. */

import { normalizePixel } from "../graph/affine-sample.ts";
import type { Network } from "../graph/check-graph.ts";
import type { GraphNode, NodeOf, OperatorName } from "../graph/graph.ts";
import { inferShapes, resolvePadding, type ValueShape } from "../graph/shapes.ts";
import { addIntegers, addNode, addTensor, finishOnnx, FLOAT, type Attribute, type OnnxGraph } from "./onnx-writer.ts";

interface Writing {
  readonly graph: OnnxGraph;
  readonly network: Network;
  readonly shapes: ReadonlyMap<string, ValueShape>;
}

/** Writes one node; `inputs` are names in the file. @returns the name of what it makes */
type Writer<Op extends OperatorName> = (node: NodeOf<Op>, inputs: readonly string[], writing: Writing) => string;

function plain(operator: string, attributes: Readonly<Record<string, Attribute>> = {}) {
  return (_node: GraphNode, inputs: readonly string[], { graph }: Writing): string =>
    addNode(graph, operator, inputs, attributes);
}

function addWeight({ graph, network }: Writing, name: string): string {
  const { shape, data } = network.weights.get(name)!;
  return addTensor(graph, shape, data);
}

function listWeights(writing: Writing, { weight, bias }: { weight: string; bias?: string | undefined }): string[] {
  return bias === undefined ? [addWeight(writing, weight)] : [addWeight(writing, weight), addWeight(writing, bias)];
}

/** Strides and padding, which is written out: not every engine takes "same" with dilation. */
function describeWindow(
  { stride, padding }: Pick<NodeOf<"maxPool">, "stride" | "padding">,
  input: ValueShape,
  reach: readonly [number, number],
): Readonly<Record<string, Attribute>> {
  const [, height = 1, width = 1] = input;
  return { strides: stride, pads: resolvePadding(padding, [height, width], reach, stride) };
}

function pool(operator: string) {
  return (node: NodeOf<"maxPool" | "averagePool">, inputs: readonly string[], { graph, shapes }: Writing): string => {
    const window = describeWindow(node, shapes.get(node.inputs[0]!)!, node.size);
    return addNode(graph, operator, inputs, { kernel_shape: node.size, ...window });
  };
}

const WRITERS: { readonly [Op in OperatorName]: Writer<Op> } = {
  conv(node, inputs, writing) {
    const [, , tall = 1, wide = 1] = writing.network.weights.get(node.weight)!.shape;
    const reach = [node.dilation[0] * (tall - 1) + 1, node.dilation[1] * (wide - 1) + 1] as const;
    const window = describeWindow(node, writing.shapes.get(node.inputs[0]!)!, reach);
    const attributes = { group: node.groups, dilations: node.dilation, ...window };
    return addNode(writing.graph, "Conv", [...inputs, ...listWeights(writing, node)], attributes);
  },
  dense: (node, inputs, writing) =>
    addNode(writing.graph, "Gemm", [...inputs, ...listWeights(writing, node)], { transB: 1 }),
  maxPool: pool("MaxPool"),
  averagePool: pool("AveragePool"),
  globalAveragePool: (_node, inputs, { graph }) =>
    addNode(graph, "Flatten", [addNode(graph, "GlobalAveragePool", inputs)]),
  add: plain("Add"),
  multiply: plain("Mul"),
  gate(_node, [map = "", gate = ""], { graph }) {
    return addNode(graph, "Mul", [map, addNode(graph, "Unsqueeze", [gate, addIntegers(graph, [2, 3])])]);
  },
  concat: plain("Concat", { axis: 1 }),
  pad(node, inputs, { graph }) {
    const [top, left, bottom, right] = node.sides;
    const amounts = [0, node.channels[0], top, left, 0, node.channels[1], bottom, right];
    return addNode(graph, "Pad", [...inputs, addIntegers(graph, amounts)]);
  },
  // The grid is written out: ONNX's AffineGrid comes with opset 20.
  affineSample({ name, corners }, [map = "", theta = ""], { graph, shapes }) {
    const [, height = 1, width = 1] = shapes.get(name)!;
    const places = Float32Array.from({ length: height * width * 3 }, (_, i) => {
      const pixel = Math.floor(i / 3);
      if (i % 3 === 0) return normalizePixel(pixel % width, width, corners);
      return i % 3 === 1 ? normalizePixel(Math.floor(pixel / width), height, corners) : 1;
    });
    const rows = addNode(graph, "Reshape", [theta, addIntegers(graph, [-1, 2, 3])]);
    const columns = addNode(graph, "Transpose", [rows], { perm: [0, 2, 1] });
    const placed = addNode(graph, "MatMul", [addTensor(graph, [height * width, 3], places), columns]);
    const grid = addNode(graph, "Reshape", [placed, addIntegers(graph, [-1, height, width, 2])]);
    const align_corners = corners === "aligned" ? 1 : 0;
    return addNode(graph, "GridSample", [map, grid], { mode: "bilinear", padding_mode: "zeros", align_corners });
  },
  flatten: plain("Flatten"),
  // 0 stands for the batch as it is.
  reshape: (node, inputs, { graph }) => addNode(graph, "Reshape", [...inputs, addIntegers(graph, [0, ...node.shape])]),
  transpose: (node, inputs, { graph }) =>
    addNode(graph, "Transpose", inputs, { perm: [0, ...node.order.map((axis) => axis + 1)] }),
  slice({ name, start, size }, inputs, { graph, shapes }) {
    const axes = shapes.get(name)!.length === 1 ? [1] : [1, 2, 3];
    const [starts, sizes] = [start, size].map((values) => values.slice(0, axes.length));
    const ends = starts!.map((at, axis) => at + sizes![axis]!);
    return addNode(graph, "Slice", [...inputs, ...[starts!, ends, axes].map((values) => addIntegers(graph, values))]);
  },
  resize(node, [map = ""], { graph, shapes }) {
    const batch = addNode(graph, "Slice", [
      addNode(graph, "Shape", [map]),
      ...[0, 1].map((at) => addIntegers(graph, [at])),
    ]);
    const [channels] = shapes.get(node.name)!;
    const sizes = addNode(graph, "Concat", [batch, addIntegers(graph, [channels, ...node.size])], { axis: 0 });
    const places = { half: "half_pixel", aligned: "align_corners", corner: "asymmetric" } as const;
    const nearest = { mode: "nearest", nearest_mode: node.corners === "half" ? "round_prefer_ceil" : "floor" } as const;
    return addNode(graph, "Resize", [map, "", "", sizes], {
      coordinate_transformation_mode: places[node.corners],
      ...(node.mode === "nearest" ? nearest : { mode: "linear" }),
    });
  },
  relu: plain("Relu"),
  relu6: (_node, inputs, { graph }) =>
    addNode(graph, "Clip", [...inputs, ...[0, 6].map((at) => addTensor(graph, [], Float32Array.of(at)))]),
  leakyRelu: ({ slope }, inputs, { graph }) => addNode(graph, "LeakyRelu", inputs, { alpha: { float: slope } }),
  prelu(node, inputs, { graph, network, shapes }) {
    const { data } = network.weights.get(node.weight)!;
    const isMap = shapes.get(node.name)!.length === 3;
    return addNode(graph, "PRelu", [...inputs, addTensor(graph, isMap ? [data.length, 1, 1] : [data.length], data)]);
  },
  elu: plain("Elu"),
  sigmoid: plain("Sigmoid"),
  hardSigmoid: ({ slope }, inputs, { graph }) =>
    addNode(graph, "HardSigmoid", inputs, { alpha: { float: slope }, beta: { float: 0.5 } }),
  hardSwish: plain("HardSwish"),
  tanh: plain("Tanh"),
  atLeast: ({ bound }, inputs, { graph }) =>
    addNode(graph, "Max", [...inputs, addTensor(graph, [], Float32Array.of(bound))]),
  atMost: ({ bound }, inputs, { graph }) =>
    addNode(graph, "Min", [...inputs, addTensor(graph, [], Float32Array.of(bound))]),
  softmax: plain("Softmax", { axis: 1 }),
};

function writeNode<Op extends OperatorName>(node: NodeOf<Op>, inputs: readonly string[], writing: Writing): string {
  const write: Writer<Op> = WRITERS[node.op];
  return write(node, inputs, writing);
}

/**
 * Adds a network's nodes and weights.
 * @param input what the file names its input
 * @param size rows and columns of it
 * @returns names in the file by names of the graph's values
 */
export function addNetwork(
  graph: OnnxGraph,
  network: Network,
  input: string,
  size: readonly [height: number, width: number],
): ReadonlyMap<string, string> {
  const shapes = inferShapes(network.graph, network.weights, ...size);
  const names = new Map([[network.graph.input.name, input]]);
  for (const node of network.graph.nodes) {
    const inputs = node.inputs.map((name) => names.get(name)!);
    names.set(node.name, writeNode(node, inputs, { graph, network, shapes }));
  }
  return names;
}

/** A network alone as an .onnx file: numbers in, its outputs under their names out. @param size rows and columns of the input */
export function encodeNetwork(network: Network, size: readonly [height: number, width: number]): Uint8Array {
  const graph: OnnxGraph = { nodes: [], initializers: [] };
  const names = addNetwork(graph, network, "input", size);
  const shapes = inferShapes(network.graph, network.weights, ...size);
  const outputs: Record<string, readonly number[]> = {};
  for (const [outside, value] of Object.entries(network.graph.outputs)) {
    addNode(graph, "Identity", [names.get(value)!], {}, `output ${outside}`);
    outputs[`output ${outside}`] = shapes.get(value)!;
  }
  const shape = [network.graph.input.channels, ...size];
  return finishOnnx(graph, { name: "network", input: { name: "input", type: FLOAT, shape }, outputs });
}
