/**
 * A tfjs LayersModel (model.json with the layers of Keras or tfjs, and its weights) as a graph. Reads data only: no code
 * of the model runs, and a layer that the graph does not have is named.
 */

import type { Graph } from "../../graph/graph.ts";
import type { Tensor } from "../../tensor.ts";
import type { ImportLimits } from "../import-limits.ts";
import { nameOutputs } from "../import-model.ts";
import { NetworkDraft } from "../network-draft.ts";
import { LOGITS } from "../../graph/graph-model.ts";
import type { ImportedNetwork } from "../onnx/import-onnx.ts";
import { LayerContext, type LayerValue } from "./layer-context.ts";
import { LAYERS } from "./layer-table.ts";
import { fail, failModel, type KerasLayer, readTopology } from "./topology.ts";

/** Rows, columns and channels of a graph's input. */
const MAX_SIDE = 4096;

/** What the file may leave open. */
export interface LayersImportOptions {
  /** Rows and columns. */
  readonly size?: number | undefined;
  readonly channels?: number | undefined;
  /** Name of the layer that gives one number a label; by default the only output. */
  readonly output?: string | undefined;
  /** Name of the layer that describes a face, besides. */
  readonly embedding?: string | undefined;
}

/**
 * Reads a model; a softmax at its end is left out, since the output is logits.
 * @param topology the file's `modelTopology`
 * @param weights by the names of the manifest
 * @throws ScoringError `model_invalid`, naming the layer and what is wrong with it
 */
export function importLayersModel(
  topology: unknown,
  weights: ReadonlyMap<string, Tensor>,
  options: LayersImportOptions,
  limits: ImportLimits,
): ImportedNetwork {
  const { output, embedding } = options;
  const asked = [output, embedding].filter((name) => name !== undefined);
  const model = readTopology(topology, output === undefined ? null : asked, limits.maxNodes);
  const [only] = model.outputs;
  if (output === undefined && (only === undefined || model.outputs.length > 1)) {
    return failModel(`it has the outputs ${model.outputs.join(", ") || "none"}: name one`);
  }
  if (output === undefined && embedding !== undefined)
    return failModel("name the output too where an embedding is asked for");
  const wanted = nameOutputs(output ?? only ?? "", embedding);
  const input = describeInput(model.input, options);
  const draft = new NetworkDraft(input, limits);
  const readers = countReaders(model.layers, Object.values(wanted));
  const values = new Map<string, LayerValue>();
  const operators = new Map<string, number>();
  for (const layer of model.layers) {
    const isShared = (readers.get(layer.name) ?? 0) > 1;
    if (layer === model.input) {
      values.set(layer.name, { value: input.name, isFlat: false, isShared: true });
      continue;
    }
    const read = LAYERS.get(layer.op) ?? fail(layer, `the graph has no layer ${layer.op}`);
    const inputs = layer.inputs.map((name) => values.get(name)!);
    values.set(layer.name, read(new LayerContext(layer, draft, { inputs, weights, isShared })));
    operators.set(layer.op, (operators.get(layer.op) ?? 0) + 1);
  }
  const outputs = Object.entries(wanted).map(([outside, name]): [string, string] => {
    const layer = model.layers.find((one) => one.name === name)!;
    const made = values.get(name)!;
    const { value } = new LayerContext(layer, draft, { inputs: [], weights, isShared: false }).settle(made);
    return [outside, outside === LOGITS ? draft.beforeSoftmax(value) : value];
  });
  return { network: draft.finish(Object.fromEntries(outputs)), operators, producer: "tfjs", takesBytes: false };
}

/** The graph's input: what the first layer says, and what it leaves open. */
function describeInput(layer: KerasLayer, { size, channels }: LayersImportOptions): Graph["input"] {
  const shape: unknown = layer.config["batch_input_shape"] ?? layer.config["batch_shape"];
  if (!Array.isArray(shape) || shape.length !== 4)
    return fail(layer, "its input is no picture of rows, columns and channels");
  const [, height, width, depth]: readonly unknown[] = shape;
  const settle = (fixed: unknown, wanted: number | undefined, what: string): number => {
    const size = fixed ?? wanted ?? fail(layer, `its input does not say how many ${what} it has`);
    if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 1 || size > MAX_SIDE) {
      return fail(layer, `its input has ${JSON.stringify(size)} ${what}`);
    }
    return wanted === undefined || wanted === size ? size : fail(layer, `its input has ${size} ${what}, not ${wanted}`);
  };
  return {
    name: layer.name,
    channels: settle(depth, channels, "channels"),
    height: settle(height, size, "rows"),
    width: settle(width, size, "columns"),
    multipleOf: 1,
  };
}

function countReaders(layers: readonly KerasLayer[], outputs: readonly string[]): ReadonlyMap<string, number> {
  const readers = new Map<string, number>();
  for (const name of [...layers.flatMap(({ inputs }) => inputs), ...outputs]) {
    readers.set(name, (readers.get(name) ?? 0) + 1);
  }
  return readers;
}
