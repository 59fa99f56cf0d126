/** The end of a classifier: without the softmax that makes probabilities of its logits. */

import type { Network } from "../graph/check-graph.ts";
import type { Graph } from "../graph/graph.ts";
import { LOGITS } from "../graph/graph-model.ts";

/** The same network; an output `logits` that is a softmax becomes what goes into it. */
export function cutSoftmax(network: Network): Network {
  const { graph, weights } = network;
  const output = graph.outputs[LOGITS];
  const end = graph.nodes.find(({ name }) => name === output);
  if (end?.op !== "softmax") return network;
  const outputs = { ...graph.outputs, [LOGITS]: end.inputs[0]! };
  const isRead =
    graph.nodes.some(({ inputs }) => inputs.includes(end.name)) || Object.values(outputs).includes(end.name);
  return {
    graph: { ...graph, outputs, nodes: isRead ? graph.nodes : graph.nodes.filter((node) => node !== end) },
    weights,
  };
}

/** How often a graph has each operator. */
export function countOperators({ nodes }: Graph): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { op } of nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
  return counts;
}
