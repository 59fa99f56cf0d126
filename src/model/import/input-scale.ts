/** A first step of a network that only scales and shifts what comes in: engines do that while they read the bytes. */

import type { Network } from "../graph/check-graph.ts";
import type { GraphNode, NodeOf } from "../graph/graph.ts";

/** Digits that a sum and a product of float32 numbers leave. */
const DIGITS = 6;

/** A network and what it wants to see. */
export interface ScaledNetwork {
  readonly network: Network;
  /** Per channel, of bytes as 0 … 1. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

const shorten = (value: number): number => Number(value.toPrecision(DIGITS));

/**
 * Takes the step out of the network and puts it into mean and standard deviation: `w · (x − mean) ÷ std + b` is
 * `(x − m) ÷ s` with `s = std ÷ w` and `m = mean − b · std ÷ w`. A network without such a step stays as it is.
 */
export function takeInputScale(given: ScaledNetwork): ScaledNetwork {
  const { graph, weights } = given.network;
  const { input, outputs } = graph;
  if (given.mean.length !== input.channels || given.std.length !== input.channels) return given;
  const readers = graph.nodes.filter(({ inputs }) => inputs.includes(input.name));
  const [step] = readers;
  if (step === undefined || readers.length > 1 || Object.values(outputs).includes(input.name)) return given;
  if (!isScale(step, input.channels)) return given;
  const weight = weights.get(step.weight)!;
  const isPointwise = weight.shape.slice(1).join() === "1,1,1";
  if (weight.shape[0] !== input.channels || !isPointwise || weight.data.includes(0)) return given;
  const nodes = graph.nodes.filter((node) => node !== step);
  if (nodes.length === 0) return given;
  const bias = step.bias === undefined ? null : weights.get(step.bias)!.data;
  const rename = (name: string): string => (name === step.name ? input.name : name);
  const rest = nodes.map((node) => ({ ...node, inputs: node.inputs.map(rename) }));
  const read = new Set(rest.flatMap((node) => Object.values(node)));
  return {
    network: {
      graph: {
        ...graph,
        nodes: rest,
        outputs: Object.fromEntries(Object.entries(outputs).map(([outside, name]) => [outside, rename(name)])),
      },
      weights: new Map([...weights].filter(([name]) => read.has(name))),
    },
    mean: given.mean.map((middle, k) => shorten(middle - ((bias?.[k] ?? 0) * given.std[k]!) / weight.data[k]!)),
    std: given.std.map((spread, k) => shorten(spread / weight.data[k]!)),
  };
}

/** Whether a node treats each channel and each pixel by itself, but for its weights. */
function isScale(node: GraphNode, channels: number): node is NodeOf<"conv"> {
  if (node.op !== "conv" || node.groups !== channels || node.stride.join() !== "1,1") return false;
  return node.padding === "same" || node.padding.every((side) => side === 0);
}
