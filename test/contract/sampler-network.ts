/** Spatial transformers other than Deep_Emotion's, drawn from a seed. No test runner needed. */

import type { Network } from "../../src/model/graph/check-graph.ts";
import { createDice, NetworkBuilder } from "./drawn-networks.ts";
import { SAMPLER_CASES } from "./classifier-parity.ts";

/** Networks of {@link drawSamplerNetwork} that differ in what they sample and where. */
export const SAMPLER_NETWORKS = 3 * SAMPLER_CASES.length;

/**
 * A picture of one to nine channels, seldom square, sometimes of one row, in three seeds of four a convolution before the sampler, a
 * convolution with a border behind it, and scores. θ is one of the cases, and moves a little with the picture.
 */
export function drawSamplerNetwork(seed: number): Network {
  const dice = createDice(seed);
  const height = seed % 5 === 4 ? 1 : 5 + dice.roll(9);
  const builder = new NetworkBuilder(dice, [1 + dice.roll(9), height, 5 + dice.roll(14)]);
  const corners = seed % 2 === 0 ? "half" : "aligned";
  const widen = (name: string, from: string, outputs: number): string => {
    const weight = builder.draw([outputs, builder.shapes.get(from)![0], 3, 3]);
    return builder.add({ name, op: "conv", inputs: [from], weight, bias: builder.draw([outputs]), padding: "same" });
  };
  const map = seed % 4 === 3 ? "input" : widen("before", "input", 1 + dice.roll(11));
  builder.add({ name: "mean", op: "globalAveragePool", inputs: [map] });
  const weight = builder.draw([6, builder.shapes.get("mean")![0]]);
  const bias = builder.draw([6]);
  const { theta } = SAMPLER_CASES[seed % SAMPLER_CASES.length]!;
  builder.weights.set(bias, { shape: [6], data: Float32Array.from(theta) });
  builder.add({ name: "theta", op: "dense", inputs: ["mean"], weight, bias });
  builder.add({ name: "sampled", op: "affineSample", inputs: [map, "theta"], corners });
  widen("behind", "sampled", 1 + dice.roll(7));
  builder.add({ name: "flat", op: "flatten", inputs: ["behind"] });
  const scores = builder.draw([5, builder.shapes.get("flat")![0]]);
  builder.add({ name: "scores", op: "dense", inputs: ["flat"], weight: scores });
  const network = builder.finish();
  const outputs = { ...network.graph.outputs, sampled: "sampled", theta: "theta" };
  return { ...network, graph: { ...network.graph, outputs } };
}
