/**
 * A graph as the layers that the SIMD engine runs: a convolution takes in the sum and the activation behind it, and a
 * pointwise convolution the depthwise one before it. Nothing here depends on the size of the picture.
 */

import { ScoringError } from "../../errors.ts";
import type { Network } from "../../model/graph/check-graph.ts";
import type { GraphNode, NodeOf } from "../../model/graph/graph.ts";

/** What is done to a value before it is stored; assembly/activation.ts. */
export interface Activation {
  readonly kind: number;
  /** Slope or bound of all channels, or the name of a tensor with one per channel. */
  readonly slope: number | string | null;
}

type Dense = NodeOf<"conv" | "dense">;

/** One step of a plan. */
export type Layer =
  | {
      readonly op: "product";
      readonly node: Dense;
      readonly input: string;
      readonly depthwise: { readonly node: NodeOf<"conv">; readonly activation: Activation } | null;
      readonly residual: string | null;
      readonly activation: Activation;
      readonly output: string;
    }
  | {
      readonly op: "depthwise";
      readonly node: NodeOf<"conv">;
      readonly input: string;
      readonly activation: Activation;
      readonly output: string;
    }
  | {
      readonly op: "combine";
      readonly node: GraphNode;
      readonly multiply: boolean;
      /** One or two. */
      readonly inputs: readonly string[];
      readonly activation: Activation;
      readonly output: string;
    }
  | {
      readonly op: "pool";
      readonly node: NodeOf<"maxPool" | "averagePool" | "globalAveragePool">;
      readonly input: string;
      readonly output: string;
    }
  | {
      readonly op: "copy";
      readonly node: NodeOf<"concat" | "pad">;
      readonly inputs: readonly string[];
      readonly output: string;
    }
  | {
      readonly op: "sample";
      readonly node: NodeOf<"affineSample">;
      /** The map and θ. */
      readonly inputs: readonly string[];
      readonly output: string;
    }
  | {
      readonly op: "resize";
      readonly node: NodeOf<"resize">;
      readonly input: string;
      readonly output: string;
    }
  | {
      readonly op: "move";
      readonly node: NodeOf<"reshape" | "transpose" | "slice">;
      readonly input: string;
      readonly output: string;
    }
  | {
      readonly op: "flatten" | "softmax";
      readonly node: NodeOf<"flatten" | "softmax">;
      readonly input: string;
      readonly output: string;
    };

/** A layer of one kind. */
export type LayerOf<Op extends Layer["op"]> = Extract<Layer, { op: Op }>;

/** Leaves a value as it is. */
export const NO_ACTIVATION: Activation = { kind: 0, slope: null };

const ACTIVATIONS: Readonly<Partial<Record<GraphNode["op"], number>>> = {
  relu: 1,
  relu6: 2,
  leakyRelu: 3,
  prelu: 3,
  elu: 4,
  sigmoid: 5,
  hardSwish: 6,
  hardSigmoid: 7,
  tanh: 8,
  atLeast: 9,
  atMost: 10,
};

/** What takes in the activation behind it, besides products. */
const COMBINED: ReadonlySet<GraphNode["op"]> = new Set(["add", "multiply", "gate"]);

function readActivation(node: GraphNode): Activation | null {
  const kind = ACTIVATIONS[node.op];
  if (kind === undefined) return null;
  if (node.op === "leakyRelu" || node.op === "hardSigmoid") return { kind, slope: node.slope };
  if (node.op === "atLeast" || node.op === "atMost") return { kind, slope: node.bound };
  return { kind, slope: node.op === "prelu" ? node.weight : null };
}

/** Whether each channel is convolved by itself. @throws ScoringError `engine_unavailable` for other groups */
function isDepthwise(node: NodeOf<"conv">, network: Network): boolean {
  if (node.groups === 1) return false;
  const [outputs, share] = network.weights.get(node.weight)!.shape;
  if (share === 1 && outputs === node.groups) return true;
  throw new ScoringError(
    "engine_unavailable",
    `the SIMD engine has no convolution of ${outputs} outputs in ${node.groups} groups: conv ${node.name}`,
  );
}

/**
 * Plans the layers of a network.
 * @param options.separable whether a pointwise convolution takes in the depthwise one before it
 * @throws ScoringError `engine_unavailable` if the engine has no kernel for a node
 */
export function planLayers(network: Network, options: { readonly separable: boolean }): Layer[] {
  const { nodes, outputs, input } = network.graph;
  const makers = new Map(nodes.map((node, index) => [node.name, { node, index }]));
  const readers = new Map<string, number>();
  for (const name of [...nodes.flatMap(({ inputs }) => inputs), ...Object.values(outputs)]) {
    readers.set(name, (readers.get(name) ?? 0) + 1);
  }
  const absorbed = new Set<string>();
  /** The node that makes `name`, if nobody else reads it. */
  const takeAlone = (name: string): GraphNode | null =>
    name !== input.name && readers.get(name) === 1 ? makers.get(name)!.node : null;

  /** A convolution behind `name` that may take in what follows it. */
  const findProduct = (name: string): NodeOf<"conv"> | NodeOf<"dense"> | null => {
    const node = takeAlone(name);
    if (node?.op === "dense") return node;
    return node?.op === "conv" && !isDepthwise(node, network) ? node : null;
  };

  const makeProduct = (node: Dense, residual: string | null, activation: Activation, output: string): Layer => {
    const common = { op: "product", node, residual, activation, output } as const;
    const alone = { ...common, input: node.inputs[0]!, depthwise: null };
    if (!options.separable || node.op === "dense" || !isPointwise(node, network)) return alone;
    let before = takeAlone(node.inputs[0]!);
    const between = before === null ? null : readActivation(before);
    const taken: string[] = [];
    if (before !== null && between !== null) {
      taken.push(before.name);
      before = takeAlone(before.inputs[0]!);
    }
    if (before?.op !== "conv" || !isDepthwise(before, network)) return alone;
    for (const name of [...taken, before.name]) absorbed.add(name);
    const depthwise = { node: before, activation: between ?? NO_ACTIVATION };
    return { ...common, input: before.inputs[0]!, depthwise };
  };

  /** The layer that ends with `end`, whose value before the activation is `node`'s. */
  const makeLayer = (node: GraphNode, activation: Activation, output: string): Layer => {
    if (node.op === "add") {
      // Where both could, the one that is made last takes in the other.
      const latest = [...node.inputs].sort((a, b) => (makers.get(b)?.index ?? -1) - (makers.get(a)?.index ?? -1));
      for (const [i, name] of latest.entries()) {
        const product = findProduct(name);
        if (product === null) continue;
        absorbed.add(product.name);
        return makeProduct(product, latest[1 - i]!, activation, output);
      }
    }
    switch (node.op) {
      case "dense":
        return makeProduct(node, null, activation, output);
      case "conv":
        if (!isDepthwise(node, network)) return makeProduct(node, null, activation, output);
        return { op: "depthwise", node, input: node.inputs[0]!, activation, output };
      case "add":
      case "multiply":
      case "gate":
        return { op: "combine", node, multiply: node.op !== "add", inputs: node.inputs, activation, output };
      case "maxPool":
      case "averagePool":
      case "globalAveragePool":
        return { op: "pool", node, input: node.inputs[0]!, output };
      case "concat":
      case "pad":
        return { op: "copy", node, inputs: node.inputs, output };
      case "flatten":
      case "softmax":
        return { op: node.op, node, input: node.inputs[0]!, output };
      case "reshape":
      case "transpose":
      case "slice":
        return { op: "move", node, input: node.inputs[0]!, output };
      case "resize":
        return { op: "resize", node, input: node.inputs[0]!, output };
      case "affineSample":
        return { op: "sample", node, inputs: node.inputs, output };
      default:
        return { op: "combine", node, multiply: false, inputs: node.inputs, activation, output };
    }
  };

  const layers: Layer[] = [];
  for (const node of nodes.toReversed()) {
    if (absorbed.has(node.name)) continue;
    const activation = readActivation(node);
    if (activation === null) {
      layers.push(makeLayer(node, NO_ACTIVATION, node.name));
      continue;
    }
    const before = takeAlone(node.inputs[0]!);
    if (before !== null && (before.op === "conv" || before.op === "dense" || COMBINED.has(before.op))) {
      absorbed.add(before.name);
      layers.push(makeLayer(before, activation, node.name));
    } else {
      layers.push(makeLayer(node, activation, node.name));
    }
  }
  return layers.reverse();
}

/** 1×1, nothing around, every position. */
function isPointwise(node: NodeOf<"conv">, network: Network): boolean {
  const [, , tall, wide] = network.weights.get(node.weight)!.shape;
  const bare = node.padding === "same" || node.padding.every((side) => side === 0);
  return node.groups === 1 && tall === 1 && wide === 1 && node.stride.every((step) => step === 1) && bare;
}

/** Names of the values that a layer reads. */
export function listInputs(layer: Layer): readonly string[] {
  if ("inputs" in layer) return layer.inputs;
  return layer.op === "product" && layer.residual !== null ? [layer.input, layer.residual] : [layer.input];
}
