/** Whether a graph and its weights belong together, once, before an engine takes them; and what the network costs. */

import { ScoringError } from "../../errors.ts";
import { countElements } from "../tensor.ts";
import type { Graph } from "./graph.ts";
import { inferShapes, listWeights, type ValueShape, type Weights, type WeightShapes } from "./shapes.ts";

/** A graph with its weights, checked. Immutable; engines copy what they need. */
export interface Network {
  readonly graph: Graph;
  readonly weights: Weights;
}

/**
 * Checks names, order, shapes and weights, at the fixed input size or at the smallest that the network takes.
 * @throws ScoringError `model_invalid`, naming the node and what is wrong with it
 */
export function checkGraph(graph: Graph, weights: Weights): Network {
  const read = new Set(graph.nodes.flatMap(listWeights));
  for (const name of weights.keys()) {
    if (!read.has(name)) throw new ScoringError("model_invalid", `graph: no node reads the tensor ${name}`);
  }
  if (Object.keys(graph.outputs).length === 0) throw new ScoringError("model_invalid", "graph: it has no output");
  const used = new Set([...graph.nodes.flatMap(({ inputs }) => inputs), ...Object.values(graph.outputs)]);
  const spare = graph.nodes.find(({ name }) => !used.has(name));
  if (spare !== undefined) {
    throw new ScoringError("model_invalid", `graph: ${spare.op} ${spare.name}: nothing uses its value`);
  }
  const [height, width] = smallestInput(graph);
  inferShapes(graph, weights, height, width);
  return { graph, weights };
}

/** Rows and columns of the smallest input that a graph takes. */
export function smallestInput({ input }: Graph): [height: number, width: number] {
  return [input.height ?? input.multipleOf, input.width ?? input.multipleOf];
}

/** What a network is and costs at one input size. */
export interface NetworkCost {
  /** Numbers in the weights. */
  readonly parameters: number;
  /** Of convolutions and dense layers. */
  readonly multiplyAdds: number;
}

/** Parameters, and multiply-adds for an input of `height` × `width`. */
export function measureNetwork(
  { graph, weights }: { readonly graph: Graph; readonly weights: WeightShapes },
  height: number,
  width: number,
): NetworkCost {
  const shapes = inferShapes(graph, weights, height, width);
  let multiplyAdds = 0;
  for (const node of graph.nodes) {
    if (node.op !== "conv" && node.op !== "dense") continue;
    const [outputs = 1, ...kernel] = weights.get(node.weight)!.shape;
    const positions = countElements(shapes.get(node.name) ?? ([0] satisfies ValueShape)) / outputs;
    multiplyAdds += positions * outputs * countElements(kernel);
  }
  const parameters = [...weights.values()].reduce((sum, { shape }) => sum + countElements(shape), 0);
  return { parameters, multiplyAdds };
}
