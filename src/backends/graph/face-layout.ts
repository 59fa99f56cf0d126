/** Which of the two layouts runs a classifier's network faster: four faces in a vector, or channels in a vector face by face. */

import { type Network, smallestInput } from "../../model/graph/check-graph.ts";
import { inferShapes } from "../../model/graph/shapes.ts";
import { countElements } from "../../model/tensor.ts";
import { chooseTile } from "./batch-weights.ts";
import { asPixels } from "./places.ts";

/**
 * Whether the network runs face by face: most of its multiply-adds are in pointwise, depthwise or strided convolutions. These gain
 * nothing from a batch, whose maps do not fit into the second cache. Winograd's products and dense layers, whose weights are read once for all
 * faces, do.
 */
export function runsFaceByFace(network: Network): boolean {
  const { graph, weights } = network;
  const shapes = inferShapes(graph, weights, ...smallestInput(graph));
  let all = 0;
  let batched = 0;
  for (const node of graph.nodes) {
    if (node.op !== "conv" && node.op !== "dense") continue;
    const [, height, width] = asPixels(shapes.get(node.name)!);
    const work = height * width * countElements(weights.get(node.weight)!.shape);
    all += work;
    if (node.op === "dense" || chooseTile(node, network, [height, width]) !== null) batched += work;
  }
  return batched < all / 2;
}
