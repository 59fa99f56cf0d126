import { describe, expect, it } from "vitest";
import { checkGraph, measureNetwork } from "../../../../src/model/graph/check-graph.ts";
import { describeDeepEmotion } from "../../../../src/model/graph/deep-emotion.ts";
import { OPERATOR_NAMES, parseGraph } from "../../../../src/model/graph/graph.ts";
import { runGraphOracle } from "../../../../src/model/graph/graph-oracle.ts";
import { inferShapes, resolvePadding } from "../../../../src/model/graph/shapes.ts";
import type { Tensor } from "../../../../src/model/tensor.ts";
import { drawNetwork, type Draft } from "../../../contract/drawn-networks.ts";

function tensor(shape: readonly number[], values?: readonly number[]): Tensor {
  const length = shape.reduce((product, size) => product * size, 1);
  return { shape, data: Float32Array.from({ length }, (_, i) => values?.[i] ?? i + 1) };
}

const input = { name: "x", channels: 2, height: 3, width: 3 };

/** Checks one graph whose output is its last node. */
function check(nodes: readonly Draft[], weights: Record<string, Tensor> = {}, outputs?: Record<string, string>) {
  const graph = parseGraph({ input, nodes: [...nodes], outputs: outputs ?? { y: nodes.at(-1)!.name } });
  return checkGraph(graph, new Map(Object.entries(weights)));
}

const conv: Draft = { name: "c", op: "conv", inputs: ["x"], weight: "w" };

describe("a graph", () => {
  it("is refused with its node and the fault", () => {
    const weights = { w: tensor([4, 2, 3, 3]) };
    const cases: readonly (readonly [() => unknown, string])[] = [
      [() => check([conv]), "graph: conv c: the weights have no w"],
      [
        () => check([conv], { w: tensor([4, 3, 3, 3]) }),
        "graph: conv c: w is [4, 3, 3, 3], which does not fit 2 channels in 1 groups",
      ],
      [() => check([conv], { w: tensor([4, 2, 3]) }), "should have 4 dimensions"],
      [() => check([conv], { w: tensor([4, 2, 5, 5]) }), "a map of 3 × 3 is smaller than its window of 5 × 5"],
      [() => check([{ ...conv, bias: "b" }], { ...weights, b: tensor([3]) }), "b is [3], which should be [4]"],
      [() => check([{ ...conv, inputs: ["z"] }], weights), "its input z is made by no node before it"],
      [() => check([conv, { ...conv, name: "x" }], weights, { y: "c", z: "x" }), "another value has this name"],
      [() => check([conv], { ...weights, spare: tensor([1]) }), "no node reads the tensor spare"],
      [() => check([conv], weights, {}), "it has no output"],
      [() => check([conv], weights, { y: "z" }), "conv c: nothing uses its value"],
      [() => check([conv], weights, { a: "c", y: "z" }), "the output y names no value: z"],
      [() => check([{ name: "a", op: "add", inputs: ["x"] }]), "add a: it has 1 inputs, not 2"],
      [() => check([conv, { name: "a", op: "add", inputs: ["x", "c"] }], weights), "not of one shape"],
      [
        () => check([{ name: "d", op: "dense", inputs: ["x"], weight: "w" }], { w: tensor([2, 18]) }),
        "flatten it first",
      ],
      [() => check([{ name: "s", op: "softmax", inputs: ["x"] }]), "not a vector"],
      [
        () => check([{ name: "p", op: "maxPool", inputs: ["x"], size: [2, 2], padding: [2, 0, 0, 0] }]),
        "as large as its window",
      ],
      [
        () => parseGraph({ input, nodes: [{ name: "r", op: "relu7", inputs: ["x"] }], outputs: {} }),
        "graph: nodes.0.op",
      ],
    ];
    for (const [attempt, message] of cases) expect(attempt).toThrow(message);
  });

  it("takes only the sizes that it names", () => {
    const graph = parseGraph({
      input: { name: "x", channels: 1, height: null, width: 8, multipleOf: 4 },
      nodes: [{ name: "r", op: "relu", inputs: ["x"] }],
      outputs: { y: "r" },
    });
    expect(inferShapes(graph, new Map(), 12, 8).get("r")).toEqual([1, 12, 8]);
    expect(() => inferShapes(graph, new Map(), 10, 8)).toThrow("an input of 10 × 8 is not a multiple of 4 × 8");
    expect(() => inferShapes(graph, new Map(), 12, 4)).toThrow("12 × 4");
  });

  it("pads as TensorFlow does: the odd row behind", () => {
    expect(resolvePadding("same", [6, 7], [3, 3], [2, 2])).toEqual([0, 1, 1, 1]);
    expect(resolvePadding("same", [5, 5], [2, 5], [1, 1])).toEqual([0, 2, 1, 2]);
    expect(resolvePadding("same", [5, 5], [1, 1], [3, 3])).toEqual([0, 0, 0, 0]);
  });

  it("counts parameters and multiply-adds", () => {
    const network = check([{ ...conv, bias: "b", padding: "same" }], { w: tensor([4, 2, 3, 3]), b: tensor([4]) });
    expect(measureNetwork(network, 3, 3)).toEqual({ parameters: 76, multiplyAdds: 9 * 72 });
  });
});

function run(nodes: readonly Draft[], weights: Record<string, Tensor>, values: readonly number[]) {
  return runGraphOracle(check(nodes, weights), { shape: [2, 3, 3], data: Float64Array.from(values) }).get("y")!;
}

describe("the oracle", () => {
  const ramp = Array.from({ length: 18 }, (_, i) => i);

  it("convolves by hand-computed sums", () => {
    const kernel = [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3, 0, 0, 0, 0];
    const { shape, data } = run([conv], { w: tensor([1, 2, 3, 3], kernel) }, ramp);
    expect(shape).toEqual([1, 1, 1]);
    // first corner, twice the last of channel 0, three times the middle of channel 1
    expect([...data]).toEqual([0 + 2 * 8 + 3 * 13]);
  });

  it("flattens channel by channel and gives a softmax that adds up to one", () => {
    const flat = run([{ name: "f", op: "flatten", inputs: ["x"] }], {}, ramp);
    expect([...flat.data]).toEqual(ramp);
    const nodes: Draft[] = [
      { name: "g", op: "globalAveragePool", inputs: ["x"] },
      { name: "s", op: "softmax", inputs: ["g"] },
    ];
    const { data } = run(nodes, {}, ramp);
    expect(data[1]! / data[0]!).toBeCloseTo(Math.exp(9), 6);
    expect(data[0]! + data[1]!).toBeCloseTo(1, 12);
  });

  it("keeps padding out of pools and puts zeros into convolutions", () => {
    const pool: Draft = {
      name: "p",
      op: "averagePool",
      inputs: ["x"],
      size: [2, 2],
      stride: [2, 2],
      padding: [1, 1, 0, 0],
    };
    expect([...run([pool], {}, ramp).data.subarray(0, 4)]).toEqual([0, 1.5, 4.5, 6]);
    const ones = tensor(
      [1, 2, 3, 3],
      Array.from({ length: 18 }, () => 1),
    );
    const padded = run(
      [{ ...conv, padding: "same" }],
      { w: ones },
      Array.from({ length: 18 }, () => 1),
    );
    expect([...padded.data]).toEqual([8, 12, 8, 12, 18, 12, 8, 12, 8]);
  });
});

describe("the drawn networks", () => {
  it("hold every operation but the sampler, which Deep_Emotion has", () => {
    const drawn = new Set(
      Array.from({ length: 60 }, (_, seed) => drawNetwork(seed).graph.nodes.map(({ op }) => op)).flat(),
    );
    expect(describeDeepEmotion("half").nodes.map(({ op }) => op)).toContain("affineSample");
    expect([...drawn, "affineSample"].sort()).toEqual([...OPERATOR_NAMES].sort());
  });
});
