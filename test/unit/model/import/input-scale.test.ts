import { describe, expect, it } from "vitest";
import { checkGraph, type Network } from "../../../../src/model/graph/check-graph.ts";
import { type DraftNode, parseGraph } from "../../../../src/model/graph/graph.ts";
import { runGraphOracle } from "../../../../src/model/graph/graph-oracle.ts";
import { takeInputScale } from "../../../../src/model/import/input-scale.ts";

const STEP = {
  name: "scaled",
  op: "conv",
  inputs: ["face"],
  weight: "w",
  bias: "b",
  groups: 3,
} satisfies DraftNode;
const MEAN = { name: "scores", op: "globalAveragePool", inputs: ["scaled"] } satisfies DraftNode;

function build(nodes: readonly DraftNode[], weight: readonly number[], bias: readonly number[] | null): Network {
  const graph = parseGraph({
    input: { name: "face", channels: 3, height: 2, width: 2 },
    nodes,
    outputs: { logits: "scores" },
  });
  const weights = new Map([["w", { shape: [3, 1, 1, 1], data: Float32Array.from(weight) }]]);
  if (bias !== null) weights.set("b", { shape: [3], data: Float32Array.from(bias) });
  return checkGraph(graph, weights);
}

/** What a network makes of bytes that its card's numbers scale. */
function run({ network, mean, std }: ReturnType<typeof takeInputScale>): number[] {
  const data = Float64Array.from({ length: 12 }, (_, i) => {
    const channel = Math.floor(i / 4);
    return (((i * 23) % 256) / 255 - mean[channel]!) / std[channel]!;
  });
  return [...runGraphOracle(network, { shape: [3, 2, 2], data }).get("logits")!.data];
}

describe("a network that begins with a scale", () => {
  it("leaves it to the card, and computes the same", () => {
    const network = build([STEP, MEAN], [1 / 0.229, 1 / 0.224, -2], [-0.485 / 0.229, -0.456 / 0.224, 1]);
    const given = { network, mean: [0, 0, 0], std: [1, 1, 1] };
    const taken = takeInputScale(given);
    expect(taken.mean).toEqual([0.485, 0.456, 0.5]);
    expect(taken.std).toEqual([0.229, 0.224, -0.5]);
    expect(taken.network.graph.nodes).toMatchObject([{ name: "scores", inputs: ["face"] }]);
    expect([...taken.network.weights.keys()]).toEqual([]);
    const before = run(given);
    run(taken).forEach((value, i) => expect(value).toBeCloseTo(before[i]!, 4));
  });

  it("adds it to what the card says already", () => {
    const { bias: _bias, ...plain } = STEP;
    const given = { network: build([plain, MEAN], [2, 4, 8], null), mean: [0.5, 0.25, 0], std: [1 / 255, 1, 2] };
    const taken = takeInputScale(given);
    expect(taken).toMatchObject({ mean: [0.5, 0.25, 0], std: [0.00196078, 0.25, 0.25] });
    const before = run(given);
    run(taken).forEach((value, i) => expect(value / before[i]!).toBeCloseTo(1, 5));
  });
});

describe("stays as it is", () => {
  const other = { name: "other", op: "globalAveragePool", inputs: ["face"] } satisfies DraftNode;
  const sum = { name: "scores", op: "add", inputs: ["other", "mean"] } satisfies DraftNode;
  const mean = { ...MEAN, name: "mean" };
  it.each([
    ["a network that reads its input twice", build([STEP, other, mean, sum], [2, 2, 2], [0, 0, 0])],
    ["a channel that is dropped", build([STEP, MEAN], [2, 0, 2], [1, 1, 1])],
    ["a step of more than one pixel", build([{ ...STEP, stride: [2, 2] }, MEAN], [2, 2, 2], [1, 1, 1])],
    ["a border that the shift does not reach", build([{ ...STEP, padding: [1, 1, 1, 1] }, MEAN], [2, 2, 2], [1, 1, 1])],
  ])("%s", (_what, network) => {
    const given = { network, mean: [0, 0, 0], std: [1, 1, 1] };
    expect(takeInputScale(given)).toBe(given);
  });

  it("a mean that has not one number per channel: the card's check says so", () => {
    const given = { network: build([STEP, MEAN], [2, 2, 2], [1, 1, 1]), mean: [0], std: [1, 1, 1] };
    expect(takeInputScale(given)).toBe(given);
  });
});
