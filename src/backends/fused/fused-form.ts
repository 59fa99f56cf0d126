/** Which networks the fused kernel runs: Deep_Emotion's of any width, whatever its nodes and tensors are called. */

import type { ModelCard } from "../../model/card.ts";
import { describeDeepEmotion } from "../../model/graph/deep-emotion.ts";
import type { Network } from "../../model/graph/check-graph.ts";
import type { Graph, GraphNode } from "../../model/graph/graph.ts";
import { describeNetwork, LOGITS, THETA } from "../../model/graph/graph-model.ts";
import { GRAY_48, isSameForm } from "../../model/input-form.ts";
import { LABEL_COUNT } from "../../model/labels.ts";
import type { Tensor } from "../../model/tensor.ts";

/** Sides of the convolutions' windows, in their order. */
const WINDOWS = [7, 5, 3, 3, 3, 3];

/** A layer with weights, in PyTorch's layout. */
export interface Layer {
  /** `[outputs, inputs, height, width]`, or `[outputs, inputs]`. */
  readonly weight: Tensor;
  readonly bias: Float32Array;
}

type Product = Extract<GraphNode, { op: "conv" | "dense" }>;

function listProducts(graph: Graph): Product[] {
  return graph.nodes.filter((node) => node.op === "conv" || node.op === "dense");
}

/** A graph with every name replaced by the place of its first mention: the same for graphs that differ in names alone. */
function describeForm({ input, nodes, outputs }: Graph): string {
  const places = new Map<string, number>();
  const place = (name: string | undefined): number | null => {
    if (name === undefined) return null;
    if (!places.has(name)) places.set(name, places.size);
    return places.get(name)!;
  };
  const first = place(`value ${input.name}`);
  const listed = nodes.map((node) => [
    node.inputs.map((name) => place(`value ${name}`)),
    "weight" in node ? place(`tensor ${node.weight}`) : null,
    "bias" in node ? place(`tensor ${node.bias}`) : null,
    { ...node, name: place(`value ${node.name}`), inputs: null, weight: null, bias: null },
  ]);
  const ends = Object.entries(outputs).map(([name, value]) => `${name} ${place(`value ${value}`)}`);
  return JSON.stringify([first, { ...input, name: null }, listed, ends.toSorted()]);
}

/** The forms of the kernel: with θ among the outputs and without, for both rules of corners. */
const FORMS: ReadonlySet<string> = new Set(
  (["half", "aligned"] as const).map(describeDeepEmotion).flatMap((graph) => {
    const logits = { [LOGITS]: graph.outputs[LOGITS]! };
    return [logits, { ...logits, [THETA]: graph.outputs[THETA]! }].map((outputs) =>
      describeForm({ ...graph, outputs }),
    );
  }),
);

/** Whether the fused kernel runs a model, from its card alone; every other network is the graph engine's. */
export function fitsFusedKernel(card: ModelCard): boolean {
  const graph = describeNetwork(card);
  if (graph === null || card.labels.length !== LABEL_COUNT || !isSameForm(card.input, GRAY_48)) return false;
  if (!FORMS.has(describeForm(graph))) return false;
  const windows = listProducts(graph).flatMap(({ op, weight }) =>
    op === "conv" ? [card.shapes[weight]?.slice(2)] : [],
  );
  return windows.every((window, i) => window?.join() === `${WINDOWS[i]},${WINDOWS[i]}`);
}

/** The ten layers of a network that fits, in the order in which they run. */
export function listFusedLayers({ graph, weights }: Network): Layer[] {
  return listProducts(graph).map(({ weight, bias }) => ({
    weight: weights.get(weight)!,
    bias: weights.get(bias!)!.data,
  }));
}
