/** The family "deep-emotion" as a graph: one for all widths, which its weights have. Steps as in docs/model.md, "The network". */

import { FACE_SIZE } from "../labels.ts";
import type { Tensor } from "../tensor.ts";
import type { Corners } from "./affine-sample.ts";
import type { Network } from "./check-graph.ts";
import { readNetworkWidths } from "./deep-emotion-tensors.ts";
import { type DraftNode, type Graph, parseGraph } from "./graph.ts";

/** PyTorch's default for BatchNorm2d. */
const BATCH_NORM_EPSILON = 1e-5;

/** Its outputs: θ, and one value a label. */
const OUTPUTS = { theta: "theta", logits: "fc2" };

function weigh(name: string) {
  return { weight: `${name}.weight`, bias: `${name}.bias` };
}

/**
 * The network, dropout off and batch norm folded. ReLU stands before the pool where PyTorch has it behind: the maximum
 * of a monotone function is the same.
 * @param corners of its sampler
 */
export function describeDeepEmotion(corners: Corners): Graph {
  const nodes: DraftNode[] = [];
  let value = "face";
  const add = (node: DraftNode): void => {
    nodes.push(node);
    value = node.name;
  };
  const relu = (name: string): void => add({ name: `${name}.relu`, op: "relu", inputs: [value] });
  const convolve = (name: string, after: "pool" | "nothing"): void => {
    add({ name, op: "conv", inputs: [value], ...weigh(name) });
    relu(name);
    if (after === "pool") add({ name: `${name}.pool`, op: "maxPool", inputs: [value], size: [2, 2], stride: [2, 2] });
  };
  convolve("localization.0", "pool");
  convolve("localization.3", "pool");
  add({ name: "localization", op: "flatten", inputs: [value] });
  add({ name: "fc_loc.0", op: "dense", inputs: [value], ...weigh("fc_loc.0") });
  relu("fc_loc.0");
  add({ name: "theta", op: "dense", inputs: [value], ...weigh("fc_loc.2") });
  add({ name: "sampled", op: "affineSample", inputs: ["face", "theta"], corners });
  convolve("conv1", "nothing");
  convolve("conv2", "pool");
  convolve("conv3", "nothing");
  convolve("conv4", "pool");
  add({ name: "features", op: "flatten", inputs: [value] });
  add({ name: "fc1", op: "dense", inputs: [value], ...weigh("fc1") });
  relu("fc1");
  add({ name: "fc2", op: "dense", inputs: [value], ...weigh("fc2") });
  return parseGraph({
    input: { name: "face", channels: 1, height: FACE_SIZE, width: FACE_SIZE },
    nodes,
    outputs: OUTPUTS,
  });
}

/**
 * Checks the tensors of the PyTorch state_dict and folds `norm` into `conv4`: w·γ/√(σ²+ε), (b−μ)·γ/√(σ²+ε)+β, in
 * doubles, rounded once.
 * @throws ScoringError `model_invalid`, see {@link readNetworkWidths}
 */
export function readDeepEmotion(tensors: ReadonlyMap<string, Tensor>, corners: Corners): Network {
  readNetworkWidths(tensors);
  const weights = new Map([...tensors].filter(([name]) => !name.startsWith("norm.")));
  const [weight, bias] = [tensors.get("conv4.weight")!, tensors.get("conv4.bias")!];
  const norm = (name: string): Float32Array => tensors.get(`norm.${name}`)!.data;
  const [gamma, beta, mean, variance] = [norm("weight"), norm("bias"), norm("running_mean"), norm("running_var")];
  const perChannel = weight.data.length / bias.data.length;
  const factor = (channel: number): number => gamma[channel]! / Math.sqrt(variance[channel]! + BATCH_NORM_EPSILON);
  weights.set("conv4.weight", {
    shape: weight.shape,
    data: weight.data.map((value, i) => value * factor(Math.floor(i / perChannel))),
  });
  weights.set("conv4.bias", {
    shape: bias.shape,
    data: bias.data.map((value, channel) => (value - mean[channel]!) * factor(channel) + beta[channel]!),
  });
  return { graph: describeDeepEmotion(corners), weights };
}
