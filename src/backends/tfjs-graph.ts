/** Any graph in tfjs operations, on whatever backend is current; and the engine for one picture over it. */

import * as tf from "@tensorflow/tfjs-core";
import { ScoringError } from "../errors.ts";
import { buildSamplerMatrix, THETA_SIZE, TRANSFORM_SIZE } from "../model/graph/affine-sample.ts";
import type { Network } from "../model/graph/check-graph.ts";
import type { Graph, GraphNode, NodeOf, OperatorName } from "../model/graph/graph.ts";
import { inferShapes, resolvePadding, type Sides } from "../model/graph/shapes.ts";
import type { Tensor } from "../model/tensor.ts";
import type { GraphEngine, PictureValue } from "./graph/graph-engine.ts";
import { selectBackend } from "./tfjs-backend.ts";

/** A network's weights on a backend. */
export interface TfjsGraph {
  /**
   * Runs a batch. Call it inside `tf.tidy`, or dispose what it returns.
   * @param input `[batch, height, width, channels]`
   * @returns outputs by name: maps as the input, vectors `[batch, length]`
   */
  run(input: tf.Tensor4D): Record<string, tf.Tensor>;
  /** Frees the weights. */
  dispose(): void;
}

/** Uploaded weights by name. */
type Uploads = ReadonlyMap<string, tf.Tensor>;
/** What a product's kernel does with its values before it stores them. */
type Fused = "linear" | "relu" | "relu6";
type Operation<Op extends OperatorName> = (
  node: NodeOf<Op>,
  inputs: readonly tf.Tensor[],
  weights: Uploads,
  activation: Fused,
) => tf.Tensor;

function asMap(tensor: tf.Tensor): tf.Tensor4D {
  if (!isRank4(tensor)) throw new ScoringError("model_invalid", `graph: ${tensor.shape.length} dimensions, not a map`);
  return tensor;
}

function isRank4(tensor: tf.Tensor): tensor is tf.Tensor4D {
  return tensor.shape.length === 4;
}

function isRank2(tensor: tf.Tensor): tensor is tf.Tensor2D {
  return tensor.shape.length === 2;
}

/** The map with `fill` around it; itself where nothing is added. */
function surround(map: tf.Tensor4D, [top, left, bottom, right]: Sides, fill: number): tf.Tensor4D {
  if (top + left + bottom + right === 0) return map;
  return tf.pad(
    map,
    [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ],
    fill,
  );
}

function readBias({ bias }: NodeOf<"conv" | "dense">, weights: Uploads): { readonly bias?: tf.Tensor } {
  return bias === undefined ? {} : { bias: weights.get(bias)! };
}

function activation(apply: (x: tf.Tensor) => tf.Tensor) {
  return (_node: unknown, inputs: readonly tf.Tensor[]): tf.Tensor => apply(inputs[0]!);
}

const OPERATIONS: { readonly [Op in OperatorName]: Operation<Op> } = {
  conv(node, inputs, weights, activation) {
    const map = asMap(inputs[0]!);
    const filter = asMap(weights.get(node.weight)!);
    const [tall, wide] = filter.shape;
    const reach = [node.dilation[0] * (tall - 1) + 1, node.dilation[1] * (wide - 1) + 1] as const;
    const sides = resolvePadding(node.padding, [map.shape[1], map.shape[2]], reach, node.stride);
    // tfjs has no kernel for a window with both dilation and stride: then every position is computed and some are kept.
    const spread = node.dilation.some((step) => step > 1) && node.stride.some((step) => step > 1);
    const strides: [number, number] = spread ? [1, 1] : node.stride;
    const every = (node.groups > 1 ? tf.fused.depthwiseConv2d : tf.fused.conv2d)({
      x: surround(map, sides, 0),
      filter,
      strides,
      pad: "valid",
      dataFormat: "NHWC",
      dilations: node.dilation,
      ...readBias(node, weights),
      activation,
    });
    return spread ? tf.stridedSlice(every, [0, 0, 0, 0], every.shape, [1, ...node.stride, 1]) : every;
  },
  dense(node, inputs, weights, activation) {
    return tf.fused.matMul({ a: inputs[0]!, b: weights.get(node.weight)!, ...readBias(node, weights), activation });
  },
  maxPool(node, inputs) {
    const map = asMap(inputs[0]!);
    const sides = resolvePadding(node.padding, [map.shape[1], map.shape[2]], node.size, node.stride);
    return tf.maxPool(surround(map, sides, -3.4e38), node.size, node.stride, "valid");
  },
  averagePool(node, inputs) {
    const map = asMap(inputs[0]!);
    const sides = resolvePadding(node.padding, [map.shape[1], map.shape[2]], node.size, node.stride);
    const made = tf.avgPool(surround(map, sides, 0), node.size, node.stride, "valid");
    if (sides.every((side) => side === 0)) return made;
    const share = tf.avgPool(surround(tf.onesLike(map), sides, 0), node.size, node.stride, "valid");
    return tf.div(made, share);
  },
  globalAveragePool: (_node, inputs) => tf.mean(inputs[0]!, [1, 2]),
  add: (_node, inputs) => tf.add(inputs[0]!, inputs[1]!),
  multiply: (_node, inputs) => tf.mul(inputs[0]!, inputs[1]!),
  concat: (_node, inputs) => tf.concat([...inputs], inputs[0]!.shape.length - 1),
  pad(node, inputs) {
    const [top, left, bottom, right] = node.sides;
    return tf.pad(asMap(inputs[0]!), [[0, 0], [top, bottom], [left, right], node.channels]);
  },
  gate(_node, [map, gate]) {
    const [batch = 0, channels = 0] = gate!.shape;
    return tf.mul(map!, tf.reshape(gate!, [batch, 1, 1, channels]));
  },
  reshape(node, inputs) {
    const [batch = 0] = inputs[0]!.shape;
    return tf.transpose(tf.reshape(inputs[0]!, [batch, ...node.shape]), [0, 2, 3, 1]);
  },
  transpose(node, inputs) {
    // Axes of [batch, rows, columns, channels] by those of the graph.
    const places = [3, 1, 2];
    const [first = 0, second = 0, third = 0] = node.order.map((axis) => places[axis]!);
    return tf.transpose(inputs[0]!, [0, second, third, first]);
  },
  slice({ start: [first, top, left], size: [channels, rows, columns] }, inputs) {
    const [batch = 0] = inputs[0]!.shape;
    return inputs[0]!.shape.length === 2
      ? tf.slice(inputs[0]!, [0, first], [batch, channels])
      : tf.slice(inputs[0]!, [0, top, left, first], [batch, rows, columns, channels]);
  },
  resize(node, inputs) {
    const map = asMap(inputs[0]!);
    const resize = node.mode === "nearest" ? tf.image.resizeNearestNeighbor : tf.image.resizeBilinear;
    return resize(map, node.size, node.corners === "aligned", node.corners === "half");
  },
  affineSample({ corners }, [map, theta]) {
    const image = asMap(map!);
    const [, height, width] = image.shape;
    const { matrix, offset } = buildSamplerMatrix(height, width, corners);
    const linear = tf.matMul<tf.Tensor2D>(theta!, tf.tensor2d(matrix, [THETA_SIZE, TRANSFORM_SIZE]));
    const transforms = tf.add<tf.Tensor2D>(linear, tf.tensor1d(offset));
    return tf.image.transform(image, transforms, "bilinear", "constant", 0, [height, width]);
  },
  flatten(_node, inputs) {
    const [batch = 0] = inputs[0]!.shape;
    return tf.reshape(tf.transpose(inputs[0]!, [0, 3, 1, 2]), [batch, -1]);
  },
  relu: activation(tf.relu),
  relu6: activation(tf.relu6),
  leakyRelu: ({ slope }, inputs) => tf.leakyRelu(inputs[0]!, slope),
  prelu: (node, inputs, weights) => tf.prelu(inputs[0]!, weights.get(node.weight)!),
  elu: activation(tf.elu),
  sigmoid: activation(tf.sigmoid),
  hardSigmoid: ({ slope }, [x]) => tf.clipByValue(tf.add(tf.mul(x!, slope), 0.5), 0, 1),
  hardSwish: (_node, [x]) => tf.mul(x!, tf.div(tf.relu6(tf.add(x!, 3)), 6)),
  tanh: activation(tf.tanh),
  atLeast: ({ bound }, inputs) => tf.maximum(inputs[0]!, bound),
  atMost: ({ bound }, inputs) => tf.minimum(inputs[0]!, bound),
  softmax: activation((x) => tf.softmax(x)),
};

/** A weight in tfjs's layout: filters by row and column first, dense weights by input first. */
function upload(node: NodeOf<OperatorName>, name: string, { shape, data }: Tensor): tf.Tensor {
  const plain = tf.tensor(data, [...shape]);
  if (name === ("bias" in node ? node.bias : undefined) || node.op === "prelu") return plain;
  if (node.op === "dense") return turn(plain, [1, 0]);
  // A depthwise filter is [rows, columns, channels, 1].
  return turn(plain, node.op === "conv" && node.groups > 1 ? [2, 3, 0, 1] : [2, 3, 1, 0]);
}

function turn(tensor: tf.Tensor, order: number[]): tf.Tensor {
  const turned = tf.transpose(tensor, order);
  tensor.dispose();
  return turned;
}

/**
 * Uploads a network to the current backend.
 * @throws ScoringError `engine_unavailable` for a convolution in groups that is not depthwise
 */
export function buildTfjsGraph({ graph, weights }: Network): TfjsGraph {
  const uploads = new Map<string, tf.Tensor>();
  for (const node of graph.nodes) {
    if (node.op === "conv" && node.groups > 1) {
      const [outputs, share] = weights.get(node.weight)!.shape;
      if (share !== 1 || outputs !== node.groups) {
        throw new ScoringError("engine_unavailable", `tfjs has no convolution in groups: conv ${node.name}`);
      }
    }
    for (const name of ["weight" in node ? node.weight : undefined, "bias" in node ? node.bias : undefined]) {
      if (name !== undefined && !uploads.has(name)) uploads.set(name, upload(node, name, weights.get(name)!));
    }
  }
  const steps = planSteps(graph);
  return {
    run(input) {
      const values = new Map<string, tf.Tensor>([[graph.input.name, input]]);
      for (const { node, activation, output } of steps) {
        const inputs = node.inputs.map((name) => values.get(name)!);
        values.set(output, runNode(node, inputs, uploads, activation));
      }
      return Object.fromEntries(Object.entries(graph.outputs).map(([outside, name]) => [outside, values.get(name)!]));
    },
    dispose: () => tf.dispose([...uploads.values()]),
  };
}

/** A node with the activation behind it that its kernel takes in, and the value that comes out. */
interface Step {
  readonly node: GraphNode;
  readonly activation: Fused;
  readonly output: string;
}

/** The nodes as they run: a convolution or dense layer takes in the ReLU behind it where nobody else reads its value. */
function planSteps({ nodes, outputs }: Graph): Step[] {
  const steps = new Map<string, Step>();
  const readers = new Map<string, number>();
  for (const name of [...nodes.flatMap(({ inputs }) => inputs), ...Object.values(outputs)]) {
    readers.set(name, (readers.get(name) ?? 0) + 1);
  }
  for (const node of nodes) {
    const [from = ""] = node.inputs;
    const before = steps.get(from);
    const isProduct = before?.node.op === "conv" || before?.node.op === "dense";
    if ((node.op === "relu" || node.op === "relu6") && isProduct && readers.get(from) === 1) {
      steps.delete(from);
      steps.set(node.name, { node: before.node, activation: node.op, output: node.name });
    } else {
      steps.set(node.name, { node, activation: "linear", output: node.name });
    }
  }
  return [...steps.values()];
}

function runNode<Op extends OperatorName>(
  node: NodeOf<Op>,
  inputs: readonly tf.Tensor[],
  weights: Uploads,
  activation: Fused,
): tf.Tensor {
  const operation: Operation<Op> = OPERATIONS[node.op];
  return operation(node, inputs, weights, activation);
}

/**
 * The engine for one picture on a tfjs backend that is registered.
 * @param backend `wasm` or `webgpu`
 * @throws ScoringError `engine_unavailable`
 */
export async function createTfjsGraphEngine(network: Network, backend: string): Promise<GraphEngine> {
  await selectBackend(backend);
  const built = buildTfjsGraph(network);
  const { channels } = network.graph.input;
  let disposed = false;
  return {
    engine: `tfjs-${backend}`,
    async run(input, height, width) {
      if (disposed) throw new ScoringError("engine_unavailable", "the graph engine was disposed");
      if (input.length !== height * width * channels) {
        throw new ScoringError("model_invalid", `graph: an input of ${input.length} values for ${height} × ${width}`);
      }
      inferShapes(network.graph, network.weights, height, width);
      await selectBackend(backend);
      const outputs = tf.tidy(() => built.run(tf.tensor4d(input, [1, height, width, channels])));
      try {
        return new Map(
          await Promise.all(
            Object.entries(outputs).map(async ([name, tensor]) => [name, await readValue(tensor)] as const),
          ),
        );
      } catch (cause) {
        throw new ScoringError("engine_unavailable", `tfjs-${backend} failed`, { cause });
      } finally {
        tf.dispose(outputs);
      }
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      built.dispose();
    },
  };
}

async function readValue(tensor: tf.Tensor): Promise<PictureValue> {
  const data = await tensor.data<"float32">();
  const [, height = 1, width = 1, channels = 1] = isRank2(tensor) ? [1, 1, 1, tensor.shape[1]] : tensor.shape;
  return { channels, height, width, data };
}
