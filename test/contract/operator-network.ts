/** One small network that has every operation, each an output of its own: cheap enough for every engine everywhere. No test runner needed. */

import type { GraphEngine } from "../../src/backends/graph/graph-engine.ts";
import type { Network } from "../../src/model/graph/check-graph.ts";
import { OPERATOR_NAMES } from "../../src/model/graph/graph.ts";
import { compareValue, createDice, type Draft, drawPicture, NetworkBuilder, runReference } from "./drawn-networks.ts";

const HEIGHT = 12;
const WIDTH = 10;
const CHANNELS = 6;
const SPREAD = 6;
/** Largest difference from the oracle, as a share of the output's largest value. */
const TOLERANCE = 1e-4;

/** Nodes that read the map alone. */
const inputs = ["conv"];
const ALONE: readonly Draft[] = [
  { name: "maxPool", inputs, op: "maxPool", size: [3, 3], stride: [2, 2], padding: "same" },
  { name: "averagePool", inputs, op: "averagePool", size: [3, 2], stride: [2, 1], padding: [1, 1, 1, 0] },
  { name: "globalAveragePool", inputs, op: "globalAveragePool" },
  { name: "flatten", inputs, op: "flatten" },
  { name: "pad", inputs, op: "pad", channels: [1, 2], sides: [1, 0, 2, 1] },
  { name: "transpose", inputs, op: "transpose", order: [1, 2, 0] },
  { name: "slice", inputs, op: "slice", start: [1, 2, 3], size: [4, 9, 5] },
  { name: "doubled", inputs, op: "resize", size: [2 * HEIGHT, 2 * WIDTH], mode: "nearest", corners: "half" },
  { name: "corner", inputs, op: "resize", size: [2 * HEIGHT, 3 * WIDTH], mode: "nearest", corners: "corner" },
  { name: "half", inputs, op: "resize", size: [7, 13], mode: "bilinear", corners: "half" },
  { name: "aligned", inputs, op: "resize", size: [7, 13], mode: "bilinear", corners: "aligned" },
  { name: "shifted", inputs, op: "resize", size: [7, 13], mode: "bilinear", corners: "corner" },
  { name: "relu", inputs, op: "relu" },
  { name: "relu6", inputs, op: "relu6" },
  { name: "leakyRelu", inputs, op: "leakyRelu", slope: 0.2 },
  { name: "elu", inputs, op: "elu" },
  { name: "sigmoid", inputs, op: "sigmoid" },
  { name: "hardSigmoid", inputs, op: "hardSigmoid", slope: 0.2 },
  { name: "hardSwish", inputs, op: "hardSwish" },
  { name: "tanh", inputs, op: "tanh" },
  { name: "atLeast", inputs, op: "atLeast", bound: -0.1 },
  { name: "atMost", inputs, op: "atMost", bound: 0.1 },
];

/** The network, for pictures of 12 × 10 with three channels. */
export function drawOperatorNetwork(): Network {
  const builder = new NetworkBuilder(createDice(5), [3, HEIGHT, WIDTH]);
  const filters = builder.draw([CHANNELS, 3, 3, 3]);
  const bias = builder.draw([CHANNELS]);
  // So that there are values on both sides of every bend and bound of the activations.
  const { shape, data } = builder.weights.get(filters)!;
  builder.weights.set(filters, { shape, data: data.map((x) => SPREAD * x) });
  const map = builder.add({ name: "conv", op: "conv", inputs: ["input"], weight: filters, bias, padding: "same" });
  for (const node of ALONE) builder.add(node);
  const wide = builder.draw([4, CHANNELS, 3, 3]);
  builder.add({
    name: "spread",
    op: "conv",
    inputs: [map],
    weight: wide,
    dilation: [2, 1],
    stride: [1, 2],
    padding: [2, 0, 2, 1],
  });
  const deep = builder.draw([CHANNELS, 1, 3, 3]);
  const depthwise = { op: "conv" as const, groups: CHANNELS, weight: deep, padding: "same" as const };
  builder.add({ name: "depthwise", ...depthwise, stride: [2, 2], inputs: [map] });
  // Taken in by the convolution before it.
  builder.add({ name: "quiet", ...depthwise, inputs: [map] });
  builder.add({ name: "clipped", op: "relu6", inputs: ["quiet"] });
  builder.add({ name: "prelu", op: "prelu", inputs: [map], weight: builder.draw([CHANNELS]) });
  builder.add({ name: "add", op: "add", inputs: [map, "tanh"] });
  builder.add({ name: "multiply", op: "multiply", inputs: [map, "sigmoid"] });
  builder.add({ name: "concat", op: "concat", inputs: [map, "relu", "elu"] });
  builder.add({ name: "gate", op: "gate", inputs: [map, "globalAveragePool"] });
  builder.add({ name: "reshape", op: "reshape", inputs: ["flatten"], shape: [HEIGHT, CHANNELS, WIDTH] });
  const weight = builder.draw([CHANNELS, CHANNELS]);
  builder.add({ name: "dense", op: "dense", inputs: ["globalAveragePool"], weight, bias: builder.draw([CHANNELS]) });
  builder.add({ name: "softmax", op: "softmax", inputs: ["dense"] });
  builder.add({ name: "part", op: "slice", inputs: ["dense"], start: [2, 0, 0], size: [3, 1, 1] });
  builder.add({ name: "joined", op: "concat", inputs: ["dense", "part"] });
  builder.add({ name: "sampled", op: "affineSample", inputs: [map, "dense"], corners: "half" });
  builder.add({ name: "sampledAligned", op: "affineSample", inputs: ["input", "dense"], corners: "aligned" });
  const network = builder.finish();
  const missing = OPERATOR_NAMES.filter((op) => !network.graph.nodes.some((node) => node.op === op));
  if (missing.length > 0) throw new Error(`the network lacks ${missing.join(", ")}`);
  return network;
}

/** The outputs in which an engine is not as the oracle, with the difference; and how many there are. */
export async function checkOperators(
  create: (network: Network) => Promise<GraphEngine>,
): Promise<{ readonly outputs: number; readonly faults: readonly string[] }> {
  const network = drawOperatorNetwork();
  const picture = drawPicture(6, 3 * HEIGHT * WIDTH);
  const engine = await create(network);
  const made = await engine.run(picture, HEIGHT, WIDTH);
  engine.dispose();
  const expected = [...runReference(network, picture, HEIGHT, WIDTH)];
  const faults = expected.flatMap(([name, value]) => {
    const difference = compareValue(made.get(name), value);
    return difference < TOLERANCE ? [] : [`${name}: ${difference}`];
  });
  return { outputs: expected.length, faults };
}
