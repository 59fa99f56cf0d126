/** What one face costs a model, from its card alone: for estimates, before any weights are loaded. */

import type { ModelCard } from "./card.ts";
import { measureNetwork } from "./graph/check-graph.ts";
import { countMultiplyAdds } from "./network-shapes.ts";

/** Multiply-adds of one face, in one pass: 3.92 million for Deep_Emotion, 139 million for `plain-net@1`. */
export function countFaceWork({ family, graph, input, shapes }: ModelCard): number {
  const tensors = Object.entries(shapes);
  if (family === "deep-emotion") return countMultiplyAdds(tensors);
  if (graph !== undefined) {
    const weights = new Map(tensors.map(([name, shape]) => [name, { shape }]));
    return measureNetwork({ graph, weights }, input.size, input.size).multiplyAdds;
  }
  // Linear in its weights.
  return tensors.reduce((sum, [, shape]) => sum + shape.reduce((product, side) => product * side, 1), 0);
}
