/**
 * The tensors of the Deep_Emotion family, with every width read from the weights: the published network has the widths
 * 8, 10 | 32 | 10, 10, 10, 10 | 50, the wide one others; the graph is the same (deep-emotion.ts).
 *
 * Minaee, Minaei, Abdolrashidi 2021, "Deep-Emotion: Facial Expression Recognition Using Attentional Convolutional
 * Network" (https://www.mdpi.com/1424-8220/21/9/3046); the details are those of its public PyTorch implementation.
 */

import { ScoringError } from "../../errors.ts";
import { LABEL_COUNT } from "../labels.ts";
import { countElements, formatShape, type Tensor } from "../tensor.ts";
import { THETA_SIZE } from "./affine-sample.ts";

/** Channel and unit counts. */
export interface NetworkWidths {
  /** Output channels of `localization.0` and `localization.3`. */
  readonly localization: readonly [number, number];
  /** Units of `fc_loc.0`. */
  readonly localizationHidden: number;
  /** Output channels of `conv1` … `conv4`. */
  readonly conv: readonly [number, number, number, number];
  /** Units of `fc1`. */
  readonly hidden: number;
}

/** Side of the square maps that are flattened, for a 48×48 input. */
const LAST_SIDES = { localization: 8, features: 9 } as const;

/** Tensors that PyTorch writes and the network does not use. */
const IGNORED = new Set(["norm.num_batches_tracked"]);

/** Name and shape of every tensor of a network with these widths, in the order of the state_dict. */
export function listTensorShapes(widths: NetworkWidths): ReadonlyMap<string, readonly number[]> {
  const [l1, l2] = widths.localization;
  const [c1, c2, c3, c4] = widths.conv;
  const flatLocalization = l2 * LAST_SIDES.localization ** 2;
  const flatFeatures = c4 * LAST_SIDES.features ** 2;
  return new Map<string, readonly number[]>([
    ["localization.0.weight", [l1, 1, 7, 7]],
    ["localization.0.bias", [l1]],
    ["localization.3.weight", [l2, l1, 5, 5]],
    ["localization.3.bias", [l2]],
    ["fc_loc.0.weight", [widths.localizationHidden, flatLocalization]],
    ["fc_loc.0.bias", [widths.localizationHidden]],
    ["fc_loc.2.weight", [THETA_SIZE, widths.localizationHidden]],
    ["fc_loc.2.bias", [THETA_SIZE]],
    ["conv1.weight", [c1, 1, 3, 3]],
    ["conv1.bias", [c1]],
    ["conv2.weight", [c2, c1, 3, 3]],
    ["conv2.bias", [c2]],
    ["conv3.weight", [c3, c2, 3, 3]],
    ["conv3.bias", [c3]],
    ["conv4.weight", [c4, c3, 3, 3]],
    ["conv4.bias", [c4]],
    ["norm.weight", [c4]],
    ["norm.bias", [c4]],
    ["norm.running_mean", [c4]],
    ["norm.running_var", [c4]],
    ["fc1.weight", [widths.hidden, flatFeatures]],
    ["fc1.bias", [widths.hidden]],
    ["fc2.weight", [LABEL_COUNT, widths.hidden]],
    ["fc2.bias", [LABEL_COUNT]],
  ]);
}

/**
 * Reads the widths off the weights and checks every tensor against them: all present, none unknown, each of the shape
 * the topology asks for, every value finite, no variance negative.
 * @throws ScoringError `model_invalid` with one issue per tensor, naming it and both shapes
 */
export function readNetworkWidths(tensors: ReadonlyMap<string, Tensor>): NetworkWidths {
  const width = (name: string): number => {
    const shape = tensors.get(`${name}.weight`)?.shape;
    if (shape === undefined) throw new ScoringError("model_invalid", `tensor ${name}.weight is missing`);
    return shape[0] ?? 0;
  };
  const widths: NetworkWidths = {
    localization: [width("localization.0"), width("localization.3")],
    localizationHidden: width("fc_loc.0"),
    conv: [width("conv1"), width("conv2"), width("conv3"), width("conv4")],
    hidden: width("fc1"),
  };
  checkTensors(tensors, listTensorShapes(widths));
  return widths;
}

function checkTensors(tensors: ReadonlyMap<string, Tensor>, expected: ReadonlyMap<string, readonly number[]>): void {
  const findings: { path: string; message: string }[] = [];
  for (const [name, shape] of expected) {
    const tensor = tensors.get(name);
    if (tensor === undefined) {
      findings.push({ path: name, message: `missing, expected ${formatShape(shape)}` });
    } else if (formatShape(tensor.shape) !== formatShape(shape)) {
      findings.push({ path: name, message: `is ${formatShape(tensor.shape)}, expected ${formatShape(shape)}` });
    } else if (countElements(shape) === 0 || tensor.data.length !== countElements(shape)) {
      findings.push({ path: name, message: `holds ${tensor.data.length} values in the shape ${formatShape(shape)}` });
    } else if (!tensor.data.every((value) => Number.isFinite(value))) {
      findings.push({ path: name, message: "holds a value that is not finite" });
    } else if (name === "norm.running_var" && tensor.data.some((value) => value < 0)) {
      // Its root would be no number, nor any score behind it.
      findings.push({ path: name, message: "holds a negative variance" });
    }
  }
  // An unknown tensor means another network: ignoring it would silently give other scores.
  for (const [name, { shape }] of tensors) {
    if (!expected.has(name) && !IGNORED.has(name)) {
      findings.push({ path: name, message: `${formatShape(shape)} is not a tensor of this network` });
    }
  }
  const [first] = findings;
  if (first === undefined) return;
  const issues = findings.map(({ path, message }) => ({ path, code: "tensor", message }));
  throw new ScoringError("model_invalid", `tensor ${first.path} ${first.message}`, { issues });
}

/** Trained numbers of a network with these widths; 66,877 for the published one. Running statistics are not trained. */
export function countParameters(widths: NetworkWidths): number {
  let count = 0;
  for (const [name, shape] of listTensorShapes(widths)) {
    if (!name.startsWith("norm.running_")) count += countElements(shape);
  }
  return count;
}
