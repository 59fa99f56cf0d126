import { describe, expect, it } from "vitest";
import { createNodeClassifier } from "../../../src/backends/engines-node.ts";
import { fitsFusedKernel } from "../../../src/backends/fused/fused-form.ts";
import { createFusedNodeClassifier } from "../../../src/backends/fused/fused-node.ts";
import { checkModelMemory } from "../../../src/backends/graph/model-memory.ts";
import type { ModelCard } from "../../../src/model/card.ts";
import { readDeepEmotion } from "../../../src/model/graph/deep-emotion.ts";
import { type Graph, parseGraph } from "../../../src/model/graph/graph.ts";
import type { Model } from "../../../src/model/model.ts";
import { createOracle } from "../../../src/model/oracle.ts";
import type { Tensor } from "../../../src/model/tensor.ts";
import { compareScores, PROBABILITY_TOLERANCE } from "../../contract/classifier-agreement.ts";
import { drawModel, ODD_WIDTHS } from "../../contract/classifier-parity.ts";
import { drawNoise } from "../../golden/network.ts";

const FACES = 5;
const known = drawModel(11, ODD_WIDTHS, [0.9, 0.2, 0.1, -0.2, 1.1, 0], { temperature: 1.4 });

function rename(name: string): string {
  return `n.${name}`;
}

/** The network of `known` as a stranger's graph: every node and tensor under another name. */
function describeStranger(change: (graph: Graph) => Graph = (graph) => graph): Model {
  const network = readDeepEmotion(known.tensors, "half");
  const nodes = network.graph.nodes.map((node) => ({
    ...node,
    name: rename(node.name),
    inputs: node.inputs.map(rename),
    ...("weight" in node ? { weight: rename(node.weight) } : {}),
    ...("bias" in node && node.bias !== undefined ? { bias: rename(node.bias) } : {}),
  }));
  const graph = change(
    parseGraph({
      input: { ...network.graph.input, name: rename("face") },
      nodes,
      outputs: { logits: rename("fc2"), theta: rename("theta") },
    }),
  );
  const tensors = new Map<string, Tensor>([...network.weights].map(([name, tensor]) => [rename(name), tensor]));
  const shapes = Object.fromEntries([...tensors].map(([name, { shape }]) => [name, [...shape]]));
  return { tensors, card: { ...known.card, family: "graph", alignCorners: null, graph, shapes } };
}

describe("a network of Deep_Emotion's form", () => {
  it("runs on the fused kernel under any names, with the same bits", async () => {
    const model = describeStranger();
    const pixels = drawNoise(3, FACES);
    const scores = await (await createFusedNodeClassifier(known)).classify(pixels, FACES);
    const classifier = await createNodeClassifier(model, "fused");
    expect(classifier.engine).toBe("fused-wasm-relaxed");
    expect(await classifier.classify(pixels, FACES)).toEqual(scores);
    expect(() => checkModelMemory(model.card)).not.toThrow();
  });

  it("tells θ only where its graph names it", async () => {
    const model = describeStranger((graph) => ({ ...graph, outputs: { logits: graph.outputs["logits"]! } }));
    for (const engine of ["fused", "tfjs"] as const) {
      const scores = await (await createNodeClassifier(model, engine)).classify(drawNoise(3, 1), 1);
      expect(scores.theta).toBeNull();
    }
  });
});

describe("a network with a sampler and another form", () => {
  const others: readonly [string, Model][] = [
    ["another activation", describeStranger((graph) => ({ ...graph, nodes: graph.nodes.map(bend) }))],
    [
      "an embedding",
      describeStranger((graph) => ({ ...graph, outputs: { ...graph.outputs, embedding: "n.fc1.relu" } })),
    ],
    ["another input", withInput({ size: 48, color: "gray", mean: [0], std: [1] })],
  ];

  it.each(others)("with %s runs on the general SIMD engine and on tfjs as on the oracle", async (_name, model) => {
    expect(fitsFusedKernel(model.card)).toBe(false);
    await expect(createFusedNodeClassifier(model)).rejects.toThrow("golden@1: its network is not the fused engine's");
    const pixels = drawNoise(4, FACES);
    const reference = await createOracle(model).classify(pixels, FACES);
    const rows = (values: Float32Array, size: number) =>
      Array.from({ length: FACES }, (_, i) => [...values.subarray(i * size, (i + 1) * size)]);
    const expected = { probabilities: rows(reference.probabilities, 7), theta: rows(reference.theta!, 6) };
    for (const engine of ["fused", "tfjs"] as const) {
      const classifier = await createNodeClassifier(model, engine);
      expect(classifier.engine).toMatch(engine === "fused" ? /^graph-wasm-/ : /^tfjs-/);
      const { worst, labelFaults } = compareScores(await classifier.classify(pixels, FACES), expected);
      expect([worst < PROBABILITY_TOLERANCE, labelFaults]).toEqual([true, []]);
    }
  });

  it("is told by the sizes of its windows too", () => {
    const { card } = describeStranger();
    expect(fitsFusedKernel(card)).toBe(true);
    const shapes = { ...card.shapes, "n.conv1.weight": [1, 1, 5, 5] };
    expect(fitsFusedKernel({ ...card, shapes })).toBe(false);
    expect(fitsFusedKernel({ ...card, labels: card.labels.slice(1) })).toBe(false);
  });
});

function bend(node: Graph["nodes"][number]): Graph["nodes"][number] {
  return node.name === "n.fc1.relu" ? { ...node, op: "tanh" } : node;
}

function withInput(input: ModelCard["input"]): Model {
  const model = describeStranger();
  return { ...model, card: { ...model.card, input } };
}
