/** The network's layers as engines run them: batch norm multiplied into `conv4`, nothing else changed. */

import { readNetworkWidths, type NetworkWidths } from "./network-shapes.ts";
import type { Tensor } from "./tensor.ts";

/** PyTorch's default for BatchNorm2d. */
export const BATCH_NORM_EPSILON = 1e-5;

/** Weights in PyTorch's layout: `[out, in, height, width]` for convolutions, `[out, in]` for dense layers. */
export interface Layer {
  readonly weight: Tensor;
  readonly bias: Float32Array;
}

/** All layers; flattened inputs of `fcLoc0` and `fc1` are in the order channel, row, column. */
export interface FoldedNetwork {
  readonly widths: NetworkWidths;
  readonly localization0: Layer;
  readonly localization3: Layer;
  readonly fcLoc0: Layer;
  readonly fcLoc2: Layer;
  readonly conv1: Layer;
  readonly conv2: Layer;
  readonly conv3: Layer;
  /** With `norm` folded in. */
  readonly conv4: Layer;
  readonly fc1: Layer;
  readonly fc2: Layer;
}

/**
 * Checks the tensors and folds `norm`: w·γ/√(σ²+ε), (b−μ)·γ/√(σ²+ε)+β, in doubles, rounded once.
 * @throws ScoringError `model_invalid`, see {@link readNetworkWidths}
 */
export function foldNetwork(tensors: ReadonlyMap<string, Tensor>): FoldedNetwork {
  const widths = readNetworkWidths(tensors);
  const layer = (name: string): Layer => ({
    weight: tensors.get(`${name}.weight`)!,
    bias: tensors.get(`${name}.bias`)!.data,
  });
  const norm = (name: string): Float32Array => tensors.get(`norm.${name}`)!.data;
  return {
    widths,
    localization0: layer("localization.0"),
    localization3: layer("localization.3"),
    fcLoc0: layer("fc_loc.0"),
    fcLoc2: layer("fc_loc.2"),
    conv1: layer("conv1"),
    conv2: layer("conv2"),
    conv3: layer("conv3"),
    conv4: foldNorm(layer("conv4"), norm("weight"), norm("bias"), norm("running_mean"), norm("running_var")),
    fc1: layer("fc1"),
    fc2: layer("fc2"),
  };
}

function foldNorm(
  { weight, bias }: Layer,
  gamma: Float32Array,
  beta: Float32Array,
  mean: Float32Array,
  variance: Float32Array,
): Layer {
  const perChannel = weight.data.length / bias.length;
  const data = new Float32Array(weight.data.length);
  const folded = new Float32Array(bias.length);
  for (let channel = 0; channel < bias.length; channel++) {
    const factor = gamma[channel]! / Math.sqrt(variance[channel]! + BATCH_NORM_EPSILON);
    for (let i = channel * perChannel; i < (channel + 1) * perChannel; i++) data[i] = weight.data[i]! * factor;
    folded[channel] = (bias[channel]! - mean[channel]!) * factor + beta[channel]!;
  }
  return { weight: { shape: weight.shape, data }, bias: folded };
}
