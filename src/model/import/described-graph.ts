/**
 * Weights that come without their network (a weights manifest of tfjs, safetensors), with a graph that somebody described:
 * the form of `graph.ts`, whose nodes name the tensors of the file.
 */

import { ScoringError } from "../../errors.ts";
import type { GraphNode } from "../graph/graph.ts";
import { parseGraph } from "../graph/graph.ts";
import type { MapShape } from "../graph/shapes.ts";
import { listWeights } from "../graph/shapes.ts";
import type { Tensor } from "../tensor.ts";
import type { ImportLimits } from "./import-limits.ts";
import { NetworkDraft } from "./network-draft.ts";
import type { ImportedNetwork } from "./onnx/import-onnx.ts";
import { countOperators, cutSoftmax } from "./softmax-end.ts";
import { turnDepthwiseKernel, turnKernel, turnMatrix } from "./tfjs-kernels.ts";
import { widenGroups } from "./widen-groups.ts";

/** How a file lays out the weights of a layer: `[height, width, inputs, outputs]`, or `[outputs, inputs, height, width]`. */
export type WeightLayout = "tensorflow" | "pytorch";

/**
 * Joins a described graph with weights.
 * @param json the description
 * @param weights by the names that the description uses
 * @throws ScoringError `model_invalid`, naming the node or the tensor
 */
export function importDescribedGraph(
  json: unknown,
  weights: ReadonlyMap<string, Tensor>,
  layout: WeightLayout,
  limits: ImportLimits,
): ImportedNetwork {
  const graph = parseGraph(json);
  const read = new Set(graph.nodes.flatMap(listWeights));
  for (const name of weights.keys()) {
    if (!read.has(name)) throw new ScoringError("model_invalid", `graph: no node reads the tensor ${name}`);
  }
  const draft = new NetworkDraft(graph.input, limits);
  const flattened = new Map<string, MapShape>();
  for (const node of graph.nodes) {
    const fail = (reason: string): never => {
      throw new ScoringError("model_invalid", `graph: ${node.op} ${node.name}: ${reason}`);
    };
    const find = (name: string): Tensor => weights.get(name) ?? fail(`the weights have no ${name}`);
    const keep = (name: string, { shape, data }: Tensor): string => draft.keep(name, shape, data);
    if (node.op === "conv") {
      const { groups, ...wide } = widenGroups(turnFilter(node, find(node.weight), layout), node.groups, draft, fail);
      const bias = node.bias === undefined ? {} : { bias: keep(node.bias, find(node.bias)) };
      draft.push({ ...node, groups, weight: keep(node.weight, wide), ...bias });
    } else if (node.op === "dense") {
      const matrix = find(node.weight);
      const map = flattened.get(node.inputs[0] ?? "") ?? null;
      const turned = layout === "tensorflow" ? turnMatrix(matrix, map) : matrix;
      const bias = node.bias === undefined ? {} : { bias: keep(node.bias, find(node.bias)) };
      draft.push({ ...node, weight: keep(node.weight, turned), ...bias });
    } else if (node.op === "prelu") {
      const { data } = find(node.weight);
      draft.push({ ...node, weight: keep(node.weight, { shape: [data.length], data }) });
    } else {
      draft.push(node);
      const shape = node.op === "flatten" ? draft.shape(node.inputs[0] ?? "") : null;
      if (shape?.length === 3) flattened.set(node.name, shape);
    }
  }
  return {
    network: cutSoftmax(draft.finish(graph.outputs)),
    operators: countOperators(graph),
    producer: "described",
    takesBytes: false,
  };
}

function turnFilter(node: Extract<GraphNode, { op: "conv" }>, kernel: Tensor, layout: WeightLayout): Tensor {
  if (layout === "pytorch" || kernel.shape.length !== 4) return kernel;
  // A depthwise kernel has the channels third and a multiplier behind them.
  const isDepthwise = node.groups > 1 && kernel.shape[2] === node.groups;
  return isDepthwise ? turnDepthwiseKernel(kernel) : turnKernel(kernel);
}
