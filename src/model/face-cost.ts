/** What one face costs a model, from its card alone: for estimates, before any weights are loaded. */

import type { ModelCard } from "./card.ts";
import { measureNetwork } from "./graph/check-graph.ts";
import { describeNetwork } from "./graph/graph-model.ts";

/** Multiply-adds of one face, in one pass: 3.92 million for Deep_Emotion, whose sampler's are not counted, 139 million for `plain-net@2`. */
export function countFaceWork(card: ModelCard): number {
  const { input, shapes } = card;
  const tensors = Object.entries(shapes);
  const graph = describeNetwork(card);
  if (graph !== null) {
    const weights = new Map(tensors.map(([name, shape]) => [name, { shape }]));
    return measureNetwork({ graph, weights }, input.size, input.size).multiplyAdds;
  }
  // Linear in its weights.
  return tensors.reduce((sum, [, shape]) => sum + shape.reduce((product, side) => product * side, 1), 0);
}
