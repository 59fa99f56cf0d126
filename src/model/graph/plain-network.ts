/** Plain 3×3 networks, as training/plain_net.py makes them: from folded weights to a graph. */

import { ScoringError } from "../../errors.ts";
import { FACE_SIZE } from "../labels.ts";
import type { Tensor } from "../tensor.ts";
import { parseGraph, type Graph, type graphSchema } from "./graph.ts";
import { LOGITS } from "./graph-model.ts";
import type { z } from "zod";

type Draft = z.input<typeof graphSchema>["nodes"][number];

/**
 * The graph of `conv1` … `convN`, `fc1`, `fc2`: 3×3 convolutions with ReLU, a max-pool behind each group of equal
 * width, two dense layers. Widths and groups are read off the weights.
 * @throws ScoringError `checkpoint_invalid` if the tensors are not such a network
 */
export function describePlainNetwork(tensors: ReadonlyMap<string, Tensor>): Graph {
  const nodes: Draft[] = [];
  let value = "face";
  let side = FACE_SIZE;
  const add = (node: Draft): void => {
    nodes.push(node);
    value = node.name;
  };
  const relu = (name: string): void => add({ name: `${name}.relu`, op: "relu", inputs: [value] });
  const widthOf = (index: number): number | undefined => tensors.get(`conv${index}.weight`)?.shape[0];
  for (let i = 1; widthOf(i) !== undefined; i++) {
    const name = `conv${i}`;
    add({ name, op: "conv", inputs: [value], weight: `${name}.weight`, bias: `${name}.bias`, padding: "same" });
    relu(name);
    if (widthOf(i) === widthOf(i + 1)) continue;
    add({ name: `${name}.pool`, op: "maxPool", inputs: [value], size: [2, 2], stride: [2, 2] });
    side = Math.floor(side / 2);
  }
  add({ name: "features", op: "flatten", inputs: [value] });
  for (const name of ["fc1", "fc2"]) {
    add({ name, op: "dense", inputs: [value], weight: `${name}.weight`, bias: `${name}.bias` });
    if (name === "fc1") relu(name);
  }
  if (nodes.length < 6 || side < 1) {
    throw new ScoringError("checkpoint_invalid", "these tensors are not a plain network: conv1 … convN, fc1, fc2");
  }
  const input = { name: "face", channels: 1, height: FACE_SIZE, width: FACE_SIZE };
  return parseGraph({ input, nodes, outputs: { [LOGITS]: value } });
}
