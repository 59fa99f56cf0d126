import { describe, expect, it } from "vitest";
import { createNodeClassifier } from "../../../../src/backends/engines-node.ts";
import { fitsFusedKernel } from "../../../../src/backends/fused/fused-form.ts";
import { exportOnnx } from "../../../../src/model/export/export-onnx.ts";
import { encodeNetwork } from "../../../../src/model/export/onnx-graph.ts";
import {
  addIntegers,
  addNode,
  addTensor,
  finishOnnx,
  FLOAT,
  type Attribute,
  type OnnxGraph,
} from "../../../../src/model/export/onnx-writer.ts";
import { type Corners, normalizePixel } from "../../../../src/model/graph/affine-sample.ts";
import { runGraphOracle } from "../../../../src/model/graph/graph-oracle.ts";
import { chooseStd, makeImportedModel } from "../../../../src/model/import/import-model.ts";
import { importOnnx } from "../../../../src/model/import/onnx/import-onnx.ts";
import { GRAY_48 } from "../../../../src/model/input-form.ts";
import { createOracle } from "../../../../src/model/oracle.ts";
import { LIMITS } from "../../../../src/scoring/limits.ts";
import { compareScores, PROBABILITY_TOLERANCE } from "../../../contract/classifier-agreement.ts";
import { drawModel, ODD_WIDTHS } from "../../../contract/classifier-parity.ts";
import { createDice } from "../../../contract/drawn-networks.ts";
import { drawSamplerNetwork, SAMPLER_NETWORKS } from "../../../contract/sampler-network.ts";
import { drawNoise } from "../../../golden/network.ts";

const limits = LIMITS.modelImport;
const HEIGHT = 5;
const WIDTH = 7;

describe("what the project writes of spatial transformers", () => {
  it("comes back as the same nodes, which compute the same", () => {
    for (let seed = 0; seed < SAMPLER_NETWORKS; seed++) {
      const network = drawSamplerNetwork(seed);
      const { channels, height, width } = network.graph.input;
      const bytes = encodeNetwork(network, [height!, width!]);
      const again = importOnnx(bytes, { channels, outputs: { scores: "output scores" } }, limits).network;
      const list = ({ nodes }: typeof network.graph) => nodes.map(({ op }) => op).join(" ");
      expect({ seed, nodes: list(again.graph) }).toEqual({ seed, nodes: list(network.graph) });
      const sampler = again.graph.nodes.find(({ op }) => op === "affineSample");
      expect(sampler).toMatchObject({ corners: seed % 2 === 0 ? "half" : "aligned" });
      const dice = createDice(seed);
      const data = Float64Array.from({ length: channels * height! * width! }, () => dice.real());
      const input = { shape: [channels, height!, width!] as const, data };
      expect(runGraphOracle(again, input).get("scores")).toEqual(runGraphOracle(network, input).get("scores"));
    }
  });

  it.each([false, true])("comes back as a model that scores as Deep_Emotion does: alignCorners %s", async (aligned) => {
    const model = drawModel(7, ODD_WIDTHS, [0.9, 0.1, 0.05, -0.1, 1.1, -0.02], { alignCorners: aligned });
    const read = importOnnx(exportOnnx(model), { outputs: { logits: "probabilities" } }, limits);
    const { model: again } = await makeImportedModel(read.network, {
      name: "again",
      version: 1,
      labels: model.card.labels,
      color: "gray",
      mean: [0],
      std: [chooseStd(read)],
      license: "none",
      origin: "test",
    });
    expect([again.card.input, fitsFusedKernel(again.card)]).toEqual([GRAY_48, true]);
    const faces = 3;
    const pixels = drawNoise(5, faces);
    const { logits, probabilities } = await createOracle(model).classify(pixels, faces);
    const exact = await createOracle(again).classify(pixels, faces);
    exact.logits.forEach((logit, i) => expect(logit).toBeCloseTo(logits[i]!, 4));
    const scores = await (await createNodeClassifier(again, "fused")).classify(pixels, faces);
    const rows = Array.from({ length: faces }, (_, i) => [...probabilities.subarray(i * 7, (i + 1) * 7)]);
    const { worst, labelFaults } = compareScores(scores, { probabilities: rows, theta: [] });
    expect([worst < PROBABILITY_TOLERANCE, labelFaults]).toEqual([true, []]);
  });
});

/** Adds the grid that a sampler reads. @param theta the name of `[N, 6]` @returns the name of `[N, height, width, 2]` */
type WriteGrid = (graph: OnnxGraph, theta: string, corners: Corners) => string;

function listPlaces(corners: Corners): Float32Array {
  return Float32Array.from({ length: HEIGHT * WIDTH * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    if (i % 3 === 2) return 1;
    return i % 3 === 0
      ? normalizePixel(pixel % WIDTH, WIDTH, corners)
      : normalizePixel(Math.floor(pixel / WIDTH), HEIGHT, corners);
  });
}

const shapeTheta = (graph: OnnxGraph, theta: string): string =>
  addNode(graph, "Reshape", [theta, addIntegers(graph, [-1, 2, 3])]);
const turnTheta = (graph: OnnxGraph, theta: string): string =>
  addNode(graph, "Transpose", [shapeTheta(graph, theta)], { perm: [0, 2, 1] });
const finishGrid = (graph: OnnxGraph, rows: string): string =>
  addNode(graph, "Reshape", [rows, addIntegers(graph, [-1, HEIGHT, WIDTH, 2])]);

/** The grid of AffineGrid for a map of these sizes. */
const byAffineGrid =
  (...sizes: number[]): WriteGrid =>
  (graph, theta, corners) => {
    const align_corners = corners === "aligned" ? 1 : 0;
    return addNode(graph, "AffineGrid", [shapeTheta(graph, theta), addIntegers(graph, sizes)], { align_corners });
  };

/** A matrix product with constant places of some shape. */
const byMatrix =
  (...shape: number[]): WriteGrid =>
  (graph, theta, corners) =>
    finishGrid(
      graph,
      addNode(graph, "MatMul", [addTensor(graph, shape, listPlaces(corners)), turnTheta(graph, theta)]),
    );

/** Products that are summed: PyTorch's own decomposition. */
const byProducts =
  (keepdims: 0 | 1, axis: number, isFirst: boolean): WriteGrid =>
  (graph, theta, corners) => {
    const places = addTensor(graph, [HEIGHT * WIDTH, 3, 1], listPlaces(corners));
    const turned = addNode(graph, "Unsqueeze", [turnTheta(graph, theta), addIntegers(graph, [1])]);
    const products = addNode(graph, "Mul", isFirst ? [places, turned] : [turned, places]);
    const sums = addNode(graph, "ReduceSum", [products, addIntegers(graph, [axis])], { keepdims });
    return finishGrid(graph, addNode(graph, "Cast", [sums], { to: FLOAT }));
  };

const whole = byAffineGrid(1, 3, HEIGHT, WIDTH);

/** A file that samples a picture at θ, which a dense layer makes of it, and gives all numbers; of some opset. */
function writeSampler(
  writeGrid: WriteGrid,
  corners: Corners,
  attributes: Readonly<Record<string, Attribute>>,
  opset = 20,
): Uint8Array {
  const graph: OnnxGraph = { nodes: [], initializers: [] };
  const count = 3 * HEIGHT * WIDTH;
  const dice = createDice(9);
  const weight = addTensor(
    graph,
    [6, count],
    Float32Array.from({ length: 6 * count }, () => dice.real() / 30),
  );
  const bias = addTensor(graph, [6], Float32Array.of(0.9, 0.2, 0.1, -0.3, 1.2, -0.1));
  const theta = addNode(graph, "Gemm", [addNode(graph, "Flatten", ["faces"]), weight, bias], { transB: 1 });
  const sampled = addNode(graph, "GridSample", ["faces", writeGrid(graph, theta, corners)], attributes, "sampled");
  addNode(graph, "Flatten", [sampled], {}, "scores");
  const input = { name: "faces", type: FLOAT, shape: [3, HEIGHT, WIDTH] };
  const bytes = finishOnnx(graph, { name: "sampler", input, outputs: { scores: [count] } });
  // The version of the operators is the last number of the file.
  return bytes.with(bytes.length - 1, opset);
}

const FORMS: readonly [string, number, WriteGrid, Readonly<Record<string, Attribute>>][] = [
  ["AffineGrid, the mode of opset 20", 20, whole, { mode: "linear", padding_mode: "zeros" }],
  ["AffineGrid, no attributes", 21, whole, {}],
  ["a matrix product, the mode of opset 16", 16, byMatrix(HEIGHT * WIDTH, 3), { mode: "bilinear" }],
  ["a matrix product of a batch", 17, byMatrix(1, HEIGHT * WIDTH, 3), {}],
  ["products summed", 18, byProducts(0, -2, true), { mode: "bilinear", padding_mode: "zeros" }],
  ["products summed with axes kept, θ first", 19, byProducts(1, 2, false), {}],
];

describe("a spatial transformer in a file", () => {
  for (const corners of ["half", "aligned"] as const) {
    it.each(FORMS)(`is read with ${corners} corners: %s`, (_name, opset, writeGrid, attributes) => {
      const align_corners = corners === "aligned" ? { align_corners: 1 } : {};
      const bytes = writeSampler(writeGrid, corners, { ...attributes, ...align_corners }, opset);
      const { network, operators } = importOnnx(bytes, {}, limits);
      expect(network.graph.nodes.map(({ op }) => op)).toEqual(["flatten", "dense", "affineSample", "flatten"]);
      expect(network.graph.nodes[2]).toMatchObject({ inputs: ["faces", network.graph.nodes[1]!.name], corners });
      expect(operators.get("GridSample")).toBe(1);
    });
  }

  it("has the entries of θ in their order where the file has its transpose", () => {
    const direct: WriteGrid = (graph, theta, corners) => {
      const turned = addNode(graph, "Reshape", [theta, addIntegers(graph, [-1, 3, 2])]);
      const places = addTensor(graph, [HEIGHT * WIDTH, 3], listPlaces(corners));
      return finishGrid(graph, addNode(graph, "MatMul", [places, turned]));
    };
    const { network } = importOnnx(writeSampler(direct, "half", {}), {}, limits);
    const data = Float64Array.from({ length: 3 * HEIGHT * WIDTH }, (_, i) => Math.sin(i));
    const outputs = { ...network.graph.outputs, theta: network.graph.nodes[1]!.name };
    const graph = { ...network.graph, outputs };
    const sampler = graph.nodes.find(({ op }) => op === "affineSample")!;
    const turned = { ...graph, outputs: { ...outputs, turned: sampler.inputs[1]! } };
    const values = runGraphOracle({ ...network, graph: turned }, { shape: [3, HEIGHT, WIDTH], data });
    const [a, b, c, d, e, f] = values.get("theta")!.data;
    expect([...values.get("turned")!.data]).toEqual([a, c, e, b, d, f]);
  });

  const other: WriteGrid = (graph, theta) => {
    const numbers = addTensor(graph, [6, 2 * HEIGHT * WIDTH], new Float32Array(12 * HEIGHT * WIDTH).fill(0.1));
    return finishGrid(graph, addNode(graph, "MatMul", [theta, numbers]));
  };
  const bent: WriteGrid = (graph, theta) => {
    const places = listPlaces("half");
    places[30]! += 0.05;
    const base = addTensor(graph, [HEIGHT * WIDTH, 3], places);
    return finishGrid(graph, addNode(graph, "MatMul", [base, turnTheta(graph, theta)]));
  };
  const loose: WriteGrid = (graph, theta, corners) => {
    const places = addTensor(graph, [HEIGHT * WIDTH, 3], listPlaces(corners));
    return addNode(graph, "Relu", [addNode(graph, "MatMul", [places, turnTheta(graph, theta)])]);
  };

  const sampler = "GridSample sampled";
  const cases: readonly [reason: string, WriteGrid, Readonly<Record<string, Attribute>>][] = [
    [`${sampler}: its grid is not θ, six numbers of the network, times a map's own places`, other, {}],
    [`${sampler}: its grid is θ times other places than a map's own with half corners`, bent, {}],
    [`${sampler}: its grid is θ times other places than a map's own with aligned corners`, whole, { align_corners: 1 }],
    [`${sampler}: its grid is [1, 4, 7, 2] for 5 × 7 positions`, byAffineGrid(1, 3, 4, 7), {}],
    [`${sampler}: its mode is nearest; only bilinear is known`, whole, { mode: "nearest" }],
    [`${sampler}: its mode is cubic; only bilinear is known`, whole, { mode: "cubic" }],
    [`${sampler}: its padding_mode is border; only zeros are known`, whole, { padding_mode: "border" }],
    ["its size is [1, 3, 4, 5, 7], not a map's", byAffineGrid(1, 3, 4, HEIGHT, WIDTH), {}],
    ["its size is [2, 3, 5, 7], not a map's", byAffineGrid(2, 3, HEIGHT, WIDTH), {}],
    ["are the places of a grid, which only GridSample reads", loose, {}],
    ["it sums places over the axes 1", byProducts(0, 1, true), {}],
  ];
  it.each(cases)("is refused: %s", (reason, writeGrid, attributes) => {
    expect(() => importOnnx(writeSampler(writeGrid, "half", attributes), {}, limits)).toThrow(reason);
  });
});
