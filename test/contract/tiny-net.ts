/** A small network of labels and input of its own, with weights drawn: 3 labels, 32×32 RGB, an embedding. */

import type { ModelCard } from "../../src/model/card.ts";
import { parseGraph } from "../../src/model/graph/graph.ts";
import type { InputForm } from "../../src/model/input-form.ts";
import type { Model } from "../../src/model/model.ts";
import { computeSha256, hashGraph } from "../../src/model/model.ts";
import { serializeSafetensors } from "../../src/model/safetensors.ts";
import type { Tensor } from "../../src/model/tensor.ts";
import { countElements } from "../../src/model/tensor.ts";
import { createRandom } from "../golden/network.ts";

/** In the card's order, which is not the alphabet's. */
export const TINY_LABELS = ["left", "right", "Not sure"] as const;

/** The input by default. */
export const TINY_INPUT = {
  size: 32,
  color: "rgb",
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
} satisfies InputForm;

/** What the network ends in. */
export type TinyScores = "logits" | "probabilities";

/** The network; `scores` says whether it ends in logits or in probabilities. */
export function createTinyNet(
  scores: TinyScores = "logits",
  input: InputForm = TINY_INPUT,
): Model & { readonly card: ModelCard } {
  const channels = input.color === "gray" ? 1 : 3;
  const random = createRandom(7);
  const tensors = new Map<string, Tensor>();
  const draw = (name: string, shape: readonly number[], spread: number): void => {
    const data = Float32Array.from({ length: countElements(shape) }, () => (random() / 2 ** 32 - 0.5) * spread);
    tensors.set(name, { shape, data });
  };
  draw("conv.weight", [6, channels, 3, 3], 2);
  draw("conv.bias", [6], 0.5);
  draw("dense.weight", [TINY_LABELS.length, 6], 6);
  draw("dense.bias", [TINY_LABELS.length], 1);
  const graph = parseGraph({
    input: { name: "picture", channels, height: input.size, width: input.size },
    nodes: [
      {
        name: "conv",
        op: "conv",
        inputs: ["picture"],
        weight: "conv.weight",
        bias: "conv.bias",
        stride: [2, 2],
        padding: "same",
      },
      { name: "relu", op: "relu", inputs: ["conv"] },
      { name: "features", op: "globalAveragePool", inputs: ["relu"] },
      { name: "scores", op: "dense", inputs: ["features"], weight: "dense.weight", bias: "dense.bias" },
      ...(scores === "probabilities" ? [{ name: "chances", op: "softmax", inputs: ["scores"] }] : []),
    ],
    outputs: { [scores]: scores === "logits" ? "scores" : "chances", embedding: "features" },
  });
  return {
    tensors,
    card: {
      name: "tiny",
      version: 1,
      family: "graph",
      sha256: "0".repeat(64),
      labels: [...TINY_LABELS],
      input,
      alignCorners: null,
      temperature: null,
      pipeline: 3,
      parameters: 1,
      shapes: Object.fromEntries([...tensors].map(([name, { shape }]) => [name, [...shape]])),
      settings: {},
      graph,
      evaluations: [],
      training: { command: "drawn", data: "none", selection: "none" },
      license: "MIT",
      notices: [],
    },
  };
}

/** Bytes of noise. */
export function drawBytes(seed: number, length: number): Uint8Array {
  const random = createRandom(seed);
  return Uint8Array.from({ length }, () => random() >>> 24);
}

/** The network as files: card.json with the hash of weights.safetensors. */
export async function packTinyNet(): Promise<{ readonly card: ModelCard; readonly weights: Uint8Array<ArrayBuffer> }> {
  const { card, tensors } = createTinyNet();
  const weights = new Uint8Array(serializeSafetensors(tensors, { graph: await hashGraph(card.graph!) }));
  return { card: { ...card, sha256: await computeSha256(weights) }, weights };
}
