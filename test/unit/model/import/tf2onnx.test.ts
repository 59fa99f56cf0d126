import { describe, expect, it } from "vitest";
import { addNumbers } from "../../../../src/model/export/onnx-writer.ts";
import { checkGraph, type Network } from "../../../../src/model/graph/check-graph.ts";
import { type DraftNode, parseGraph } from "../../../../src/model/graph/graph.ts";
import { runGraphOracle } from "../../../../src/model/graph/graph-oracle.ts";
import { importOnnx } from "../../../../src/model/import/onnx/import-onnx.ts";
import type { Tensor } from "../../../../src/model/tensor.ts";
import { countElements } from "../../../../src/model/tensor.ts";
import { LIMITS } from "../../../../src/scoring/limits.ts";
import { createDice } from "../../../contract/drawn-networks.ts";
import { KerasWriter, reshapeVector } from "./keras-writer.ts";

/**
 * A Keras network as tf2onnx writes it, and the same one as a graph of its own: channels last outside, ONNX's channels
 * first inside. Without its optimizer it puts a transpose before and behind each operator of maps; with it two remain.
 */

const SIDE = 20;
const LABELS = 5;

type Shape = readonly number[];

const dice = createDice(12);
const weights = new Map<string, Tensor>();

/** A tensor of the network, under its name there. */
function draw(name: string, shape: Shape, offset = 0): Tensor {
  const gain = shape.length > 1 ? Math.sqrt(6 / countElements(shape.slice(1))) : 0.3;
  const tensor = {
    shape,
    data: Float32Array.from({ length: countElements(shape) }, () => offset + gain * dice.real()),
  };
  weights.set(name, tensor);
  return tensor;
}

const W = {
  stem: draw("stem.weight", [8, 1, 3, 3]),
  stemBias: draw("stem.bias", [8]),
  depthwise: draw("depthwise.weight", [8, 1, 3, 3]),
  depthwiseBias: draw("depthwise.bias", [8]),
  squeeze: draw("squeeze.weight", [4, 8, 1, 1]),
  squeezeBias: draw("squeeze.bias", [4]),
  excite: draw("excite.weight", [8, 4, 1, 1]),
  exciteBias: draw("excite.bias", [8]),
  point: draw("point.weight", [12, 8, 1, 1]),
  pointBias: draw("point.bias", [12]),
  slopes: draw("slopes", [12], 0.2),
  last: draw("last.weight", [6, 24, 3, 3]),
  lastBias: draw("last.bias", [6]),
  // [rows × columns × channels, units], as Keras flattens
  dense: { shape: [3 * 3 * 6, 7], data: draw("dense", [3 * 3 * 6, 7]).data },
  denseBias: draw("dense.bias", [7]),
  scores: { shape: [13, LABELS], data: draw("scores", [13, LABELS]).data },
  scoresBias: draw("scores.bias", [LABELS]),
};
/** Of the batch norm behind the stem. */
const norm = {
  gamma: draw("gamma", [8], 1),
  beta: draw("beta", [8]),
  mean: draw("mean", [8]),
  variance: draw("variance", [8], 1),
};

/** Squeeze and excite of a mean, by convolutions or by dense layers over `[1, 1, 1, channels]`. */
function exciteMean(to: KerasWriter, mean: string, by: "convolutions" | "dense layers"): string {
  if (by === "convolutions") {
    const map = reshapeVector(to, mean, to.optimized ? [8, 1, 1] : [1, 1, 8]);
    const squeezed = to.node("Relu", [to.convolve(map, W.squeeze, W.squeezeBias, { strides: [1, 1], group: 1 })]);
    return to.node("Sigmoid", [to.convolve(squeezed, W.excite, W.exciteBias, { strides: [1, 1], group: 1 })]);
  }
  const connect = (value: string, weight: Tensor, bias: Tensor): string => {
    const [units = 0, inputs = 0] = weight.shape;
    const matrix = turn({ shape: [units, inputs], data: weight.data });
    return to.node("Add", [to.node("MatMul", [value, to.tensor(matrix)]), to.tensor(bias)]);
  };
  const squeezed = to.node("Relu", [connect(reshapeVector(to, mean, [1, 1, 8]), W.squeeze, W.squeezeBias)]);
  const factors = to.node("Sigmoid", [connect(squeezed, W.excite, W.exciteBias)]);
  return to.optimized ? to.node("Transpose", [factors], { perm: [0, 3, 1, 2] }) : factors;
}

function writeKeras(opset: number, optimized: boolean): Uint8Array {
  const to = new KerasWriter(opset, optimized);
  // Rescaling stands before the first transpose.
  const scaled = to.node("Add", [to.node("Mul", ["input_1", to.scalar(2)]), to.scalar(-1)]);
  let map = optimized ? to.node("Transpose", [scaled], { perm: [0, 3, 1, 2] }) : scaled;
  // "same" with a stride of 2 on an even side: the odd row and column behind.
  map = to.convolve(map, W.stem, W.stemBias, { strides: [2, 2], pads: [0, 0, 1, 1], group: 1 });
  const { gamma, beta, mean, variance } = norm;
  map = to.first("BatchNormalization", [map, ...[gamma, beta, mean, variance].map((one) => to.tensor(one))], {
    epsilon: { float: 1e-3 },
  });
  // hard_swish: x · relu6(x + 3) · ⅙
  const raised = to.node("Clip", [to.node("Add", [map, to.scalar(3)]), to.scalar(0), to.scalar(6)]);
  map = to.node("Mul", [to.node("Mul", [map, raised]), to.scalar(1 / 6)]);
  map = to.convolve(map, W.depthwise, W.depthwiseBias, { auto_pad: "SAME_UPPER", strides: [1, 1], group: 8 });
  // relu6 of older opsets
  map = to.node("Min", [to.node("Max", [map, to.scalar(0)]), to.scalar(6)]);
  const gate = exciteMean(to, to.mean(map, 0), opset % 2 === 0 ? "dense layers" : "convolutions");
  map = to.node("Mul", [map, gate]);
  map = to.convolve(map, W.point, W.pointBias, { strides: [1, 1], group: 1 });
  map = to.node("PRelu", [map, to.perChannel(W.slopes)]);
  // ZeroPadding2D, then a pool that counts no padding.
  const border = optimized ? [0, 0, 1, 0, 0, 0, 1, 2] : [0, 1, 0, 0, 0, 1, 2, 0];
  map = to.node("Pad", [map, to.integers(...border)], { mode: "constant" });
  const window = { kernel_shape: [2, 2], strides: [2, 2] };
  const most = to.first("MaxPool", [map], { ...window, pads: [0, 0, 0, 0] });
  const middle = to.first("AveragePool", [map], { ...window, auto_pad: "SAME_UPPER" });
  // swish
  map = to.node("Mul", [most, to.node("Sigmoid", [most])]);
  map = to.node("Concat", [map, middle], { axis: to.axis("channels") });
  // UpSampling2D
  map = to.first("Resize", [map, "", addNumbers(to.graph, [1, 1, 2, 2])], {
    mode: "nearest",
    nearest_mode: "floor",
    coordinate_transformation_mode: "asymmetric",
  });
  map = to.convolve(map, W.last, W.lastBias, { strides: [4, 4], auto_pad: "VALID", group: 1 });
  map = to.node("LeakyRelu", [map], { alpha: { float: 0.3 } });
  // One head flattens, rows and columns first, the other takes the mean.
  const last = optimized ? to.node("Transpose", [map], { perm: [0, 2, 3, 1] }) : map;
  const flat = to.node("Reshape", [last, to.integers(-1, 3 * 3 * 6)]);
  let hidden = to.node("MatMul", [flat, to.tensor(W.dense)]);
  hidden = to.node("Tanh", [to.node("Add", [hidden, to.tensor(W.denseBias)])]);
  const means = to.node("Squeeze", [to.mean(map, 1), to.integers(to.axis("rows"), to.axis("columns"))]);
  const joined = to.node("Concat", [hidden, means], { axis: -1 });
  const scores = optimized
    ? to.node("Gemm", [joined, to.tensor(W.scores), to.tensor(W.scoresBias)], {
        alpha: { float: 1 },
        beta: { float: 1 },
      })
    : to.node("Add", [to.node("MatMul", [joined, to.tensor(W.scores)]), to.tensor(W.scoresBias)]);
  return to.finish(to.node("Softmax", [scores], { axis: opset < 18 ? 1 : -1 }), SIDE, LABELS);
}

/** `[inputs, units]` to `[units, inputs]`, inputs in the order that `from` tells. */
function turn({ shape, data }: Tensor, from: (input: number) => number = (input) => input): Tensor {
  const [inputs = 0, units = 0] = shape;
  const at = (i: number): number => data[from(i % inputs) * units + Math.floor(i / inputs)]!;
  return { shape: [units, inputs], data: Float32Array.from({ length: data.length }, (_, i) => at(i)) };
}

function describeConvolution(name: string, input: string, rest: object = {}): DraftNode {
  return { name, op: "conv", inputs: [input], weight: `${name}.weight`, bias: `${name}.bias`, ...rest };
}

/** The same network, channels first, as the graph's own nodes. */
function describeKeras(): Network {
  const kept = new Map([...weights].filter(([name]) => !/^(gamma|beta|mean|variance|dense|scores)$/.test(name)));
  // A batch norm is a depthwise convolution of one tap.
  const factor = norm.gamma.data.map((x, k) => x / Math.sqrt(norm.variance.data[k]! + 1e-3));
  kept.set("norm.weight", { shape: [8, 1, 1, 1], data: factor });
  kept.set("norm.bias", { shape: [8], data: factor.map((x, k) => norm.beta.data[k]! - norm.mean.data[k]! * x) });
  kept.set("double.weight", { shape: [1, 1, 1, 1], data: Float32Array.of(2) });
  kept.set("double.bias", { shape: [1], data: Float32Array.of(-1) });
  // Channel, row, column from row, column, channel.
  kept.set(
    "dense.weight",
    turn(W.dense, (input) => (input % 9) * 6 + Math.floor(input / 9)),
  );
  kept.set("scores.weight", turn(W.scores));
  const nodes: DraftNode[] = [
    describeConvolution("double", "face"),
    describeConvolution("stem", "double", { stride: [2, 2], padding: "same" }),
    describeConvolution("norm", "stem", { groups: 8 }),
    { name: "hardSwish", op: "hardSwish", inputs: ["norm"] },
    describeConvolution("depthwise", "hardSwish", { groups: 8, padding: "same" }),
    { name: "relu6", op: "relu6", inputs: ["depthwise"] },
    { name: "mean1", op: "globalAveragePool", inputs: ["relu6"] },
    { name: "map1", op: "reshape", inputs: ["mean1"], shape: [8, 1, 1] },
    describeConvolution("squeeze", "map1"),
    { name: "relu", op: "relu", inputs: ["squeeze"] },
    describeConvolution("excite", "relu"),
    { name: "sigmoid", op: "sigmoid", inputs: ["excite"] },
    { name: "gateFlat", op: "flatten", inputs: ["sigmoid"] },
    { name: "gate", op: "gate", inputs: ["relu6", "gateFlat"] },
    describeConvolution("point", "gate"),
    { name: "prelu", op: "prelu", inputs: ["point"], weight: "slopes" },
    { name: "pad", op: "pad", inputs: ["prelu"], sides: [1, 0, 1, 2] },
    { name: "most", op: "maxPool", inputs: ["pad"], size: [2, 2], stride: [2, 2] },
    { name: "middle", op: "averagePool", inputs: ["pad"], size: [2, 2], stride: [2, 2], padding: "same" },
    { name: "half", op: "sigmoid", inputs: ["most"] },
    { name: "swish", op: "multiply", inputs: ["most", "half"] },
    { name: "concat", op: "concat", inputs: ["swish", "middle"] },
    { name: "up", op: "resize", inputs: ["concat"], size: [12, 12], mode: "nearest", corners: "corner" },
    describeConvolution("last", "up", { stride: [4, 4] }),
    { name: "leaky", op: "leakyRelu", inputs: ["last"], slope: Math.fround(0.3) },
    { name: "flat", op: "flatten", inputs: ["leaky"] },
    { name: "dense", op: "dense", inputs: ["flat"], weight: "dense.weight", bias: "dense.bias" },
    { name: "tanh", op: "tanh", inputs: ["dense"] },
    { name: "mean2", op: "globalAveragePool", inputs: ["leaky"] },
    { name: "joined", op: "concat", inputs: ["tanh", "mean2"] },
    { name: "scores", op: "dense", inputs: ["joined"], weight: "scores.weight", bias: "scores.bias" },
  ];
  const input = { name: "face", channels: 1, height: SIDE, width: SIDE };
  return checkGraph(parseGraph({ input, nodes, outputs: { logits: "scores" } }), kept);
}

describe("a Keras network in a file of tf2onnx", () => {
  const data = Float64Array.from({ length: SIDE * SIDE }, () => (1 + dice.real()) / 2);
  const input = { shape: [1, SIDE, SIDE] as const, data };
  const expected = [...runGraphOracle(describeKeras(), input).get("logits")!.data];

  it.each(
    [13, 14, 15, 16, 17, 18].flatMap(
      (opset) =>
        [
          [opset, true],
          [opset, false],
        ] as const,
    ),
  )("of opset %i, optimized: %s, gives what the network does", (opset, optimized) => {
    const { network, operators } = importOnnx(writeKeras(opset, optimized), {}, LIMITS.modelImport);
    expect(operators.get("Conv")).toBe(opset % 2 === 0 ? 4 : 6);
    const logits = [...runGraphOracle(network, input).get("logits")!.data];
    expect(logits).toHaveLength(LABELS);
    for (const [at, value] of logits.entries()) expect(value).toBeCloseTo(expected[at]!, 5);
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.1);
    // Transposes that only go back and forth cost nothing.
    expect(network.graph.nodes.filter(({ op }) => op === "transpose").length).toBeLessThanOrEqual(1);
  });
});
