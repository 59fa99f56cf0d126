/**
 * An ONNX file as a graph. Reads data only: no code of the file runs, every size is checked before it is taken, and an
 * operator that is not known is named with its node. The batch becomes one; shapes are constants, since the input's size
 * is known.
 */

import { ScoringError } from "../../../errors.ts";
import type { Network } from "../../graph/check-graph.ts";
import { formatShape } from "../../tensor.ts";
import type { ImportLimits } from "../import-limits.ts";
import { NetworkDraft } from "../network-draft.ts";
import { foldConstant } from "./constants.ts";
import { fix, NodeContext } from "./context.ts";
import { ELEMENTWISE_OPERATORS } from "./elementwise.ts";
import { LAYER_OPERATORS } from "./layers.ts";
import { readOnnxFile, type OnnxFile, type OnnxNode, type OnnxValue } from "./messages.ts";
import { readPlaces, SAMPLER_OPERATORS } from "./sampler.ts";
import { SHAPE_OPERATORS } from "./shape-operators.ts";
import { readExternalPlace, readTensor } from "./tensor.ts";
import { CHANNELS_FIRST, CHANNELS_LAST, type Dynamic, type Places, type Value } from "./value.ts";

/** What the file may leave open. */
export interface OnnxImportOptions {
  /** Rows and columns, where the file does not say. */
  readonly size?: number | undefined;
  /** Likewise. */
  readonly channels?: number | undefined;
  /** Name outside → name of a value in the file; by default `logits` is the only output. */
  readonly outputs?: Readonly<Record<string, string>> | undefined;
  /** Files beside the model's in which weights lie, by the names that the model uses. */
  readonly files?: ReadonlyMap<string, Uint8Array> | undefined;
}

/** What an import found. */
export interface ImportedNetwork {
  readonly network: Network;
  /** How often the file has each operator that the network needs, by name. */
  readonly operators: ReadonlyMap<string, number>;
  /** Who wrote the file, as it says. */
  readonly producer: string;
  /** Whether the file says that its input is bytes, 0…255. */
  readonly takesBytes: boolean;
}

/** ONNX's number of the type. */
const UINT8 = 2;

/** Versions of the operators that are read; 11 to 21 are tested. */
const OPSETS = { oldest: 7, newest: 23 } as const;

const OPERATORS: Readonly<Record<string, (context: NodeContext) => Value | Places>> = {
  ...LAYER_OPERATORS,
  ...ELEMENTWISE_OPERATORS,
  ...SHAPE_OPERATORS,
  ...SAMPLER_OPERATORS,
};

/**
 * Reads a model. A softmax at the end of an output named `logits` is left out: what goes in are the logits.
 * @throws ScoringError `model_invalid`, naming the node and what is wrong with it
 */
export function importOnnx(bytes: Uint8Array, options: OnnxImportOptions, limits: ImportLimits): ImportedNetwork {
  if (bytes.length > limits.maxFileBytes) {
    throw new ScoringError(
      "model_invalid",
      `the ONNX file has ${bytes.length} bytes, more than ${limits.maxFileBytes}`,
    );
  }
  const file = readOnnxFile(bytes, limits);
  if (file.opset < OPSETS.oldest || file.opset > OPSETS.newest) {
    const range = `${OPSETS.oldest} to ${OPSETS.newest}`;
    throw new ScoringError("model_invalid", `ONNX model: its operators are of version ${file.opset}, not ${range}`);
  }
  const outputs = chooseOutputs(file, options.outputs);
  const { nodes, uses } = selectNodes(file.nodes, Object.values(outputs));
  const { input, order, name, type } = describeInput(file, nodes, options);
  const draft = new NetworkDraft({ ...input, multipleOf: 1 }, limits);
  const values = new Map<string, Value | Places>();
  const isShared = (value: string): boolean => (uses.get(value) ?? 0) > 1;
  const sizes = [input.channels, input.height, input.width];
  const first = { kind: "value", value: input.name, dims: [1, ...order.map((axis) => sizes[axis]!)], order } as const;
  values.set(name, { ...first, shared: isShared(name) });

  let numbers = 0;
  const find = (wanted: string): Value | Places | undefined => {
    const known = values.get(wanted);
    if (known !== undefined) return known;
    const tensor = file.initializers.get(wanted);
    if (tensor === undefined) return undefined;
    const constant = fix(readTensor(tensor, wanted, options.files));
    // Parts of a file beside the model's may lie over each other.
    numbers += constant.values.length;
    if (numbers > limits.maxWeights) {
      throw new ScoringError("model_invalid", `ONNX model: its constants have more than ${limits.maxWeights} numbers`);
    }
    values.set(wanted, constant);
    return constant;
  };
  const operators = new Map<string, number>();
  for (const node of nodes) {
    // What else a node makes (masks of a dropout, indices of a pool) nothing reads in a network that is ready.
    const made = node.op === "Split" ? node.outputs : node.outputs.slice(0, 1);
    let isCounted = false;
    for (const [index, outputName] of made.entries()) {
      if (!uses.has(outputName)) continue;
      const context = new NodeContext(node, draft, file.opset, find, index);
      const value = readPlaces(context) ?? foldConstant(context) ?? runOperator(context);
      isCounted ||= value.kind !== "constant";
      values.set(
        outputName,
        value.kind === "value" ? { ...value, shared: value.shared || isShared(outputName) } : value,
      );
    }
    if (isCounted) operators.set(node.op, (operators.get(node.op) ?? 0) + 1);
  }
  const named = Object.entries(outputs).map(([outside, wanted]) => {
    const value = values.get(wanted);
    if (value?.kind !== "value")
      throw new ScoringError("model_invalid", `ONNX model: ${wanted} is no value of the network`);
    return [outside, finishOutput(draft, value, wanted)] as const;
  });
  return {
    network: draft.finish(Object.fromEntries(named)),
    operators,
    producer: file.producer,
    takesBytes: type === UINT8,
  };
}

/** Names of the files beside a model's in which its weights lie. @throws ScoringError `model_invalid` */
export function listExternalFiles(bytes: Uint8Array, limits: ImportLimits): readonly string[] {
  const { initializers } = readOnnxFile(bytes, limits);
  const places = [...initializers].map(([name, tensor]) => readExternalPlace(tensor, name));
  return [...new Set(places.flatMap((place) => (place === null ? [] : [place.file])))];
}

function runOperator(context: NodeContext): Value | Places {
  const { op } = context.node;
  const operator = Object.hasOwn(OPERATORS, op) ? OPERATORS[op] : undefined;
  if (operator === undefined) return context.fail(`the graph has no operator ${op}`);
  return operator(context);
}

function chooseOutputs(file: OnnxFile, asked: OnnxImportOptions["outputs"]): Readonly<Record<string, string>> {
  if (asked !== undefined) return asked;
  const names = file.outputs.map(({ name }) => name);
  const [only] = names;
  if (only !== undefined && names.length === 1) return { logits: only };
  throw new ScoringError("model_invalid", `ONNX model: it has the outputs ${names.join(", ") || "none"}: name one`);
}

/** The nodes that the outputs need, and how often each value is read. */
function selectNodes(nodes: readonly OnnxNode[], outputs: readonly string[]) {
  const uses = new Map<string, number>(outputs.map((name) => [name, 1]));
  const needed = nodes.toReversed().filter((node) => {
    if (!node.outputs.some((name) => uses.has(name))) return false;
    for (const name of node.inputs) uses.set(name, (uses.get(name) ?? 0) + 1);
    return true;
  });
  return { nodes: needed.toReversed(), uses };
}

/** The one input that is no constant, and the order of its axes. */
function describeInput(file: OnnxFile, nodes: readonly OnnxNode[], options: OnnxImportOptions) {
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  const open = file.inputs.filter(({ name }) => !file.initializers.has(name) && read.has(name));
  const [only] = open;
  if (only === undefined || open.length > 1) {
    const names = open.map(({ name }) => name).join(", ") || "none";
    throw new ScoringError("model_invalid", `ONNX model: it has the inputs ${names}, not one`);
  }
  const refuse = (reason: string): never => {
    throw new ScoringError("model_invalid", `ONNX model: its input ${only.name} ${reason}`);
  };
  const sizes = only.dims.map((size) => size ?? "?");
  const [batch, a, b, c] = only.dims;
  if (only.dims.length !== 4) return refuse(`is [${sizes.join(", ")}], not a batch of pictures`);
  if (batch !== null && batch !== 1) return refuse(`takes ${batch} pictures at a time: export it for 1 or any number`);
  const order = chooseOrder(only, options);
  const [channels, height, width] = order === CHANNELS_FIRST ? [a, b, c] : [c, a, b];
  const settle = (fixed: number | null | undefined, asked: number | undefined, what: string): number => {
    if (fixed != null && asked !== undefined && fixed !== asked) return refuse(`has ${fixed} ${what}, not ${asked}`);
    return fixed ?? asked ?? refuse(`is [${sizes.join(", ")}]: say how many ${what} it has`);
  };
  const input = {
    name: only.name.slice(0, 100),
    channels: settle(channels, options.channels, "channels"),
    height: settle(height, options.size, "rows"),
    width: settle(width, options.size, "columns"),
  };
  if (Math.max(input.channels, input.height, input.width) > 4096)
    return refuse(`is ${formatShape(Object.values(input).slice(1).map(Number))}`);
  return { input, order, name: only.name, type: only.type };
}

/** Channels last, where the last axis has one or three and the second has not. */
function chooseOrder({ dims }: OnnxValue, { channels }: OnnxImportOptions): Dynamic["order"] & object {
  const isChannels = (size: number | null | undefined): boolean =>
    channels === undefined ? size === 1 || size === 3 : size === channels;
  return isChannels(dims[3]) && !isChannels(dims[1]) ? CHANNELS_LAST : CHANNELS_FIRST;
}

/** A vector; without the softmax that makes probabilities of logits. */
function finishOutput(draft: NetworkDraft, { value, dims }: Dynamic, name: string): string {
  if (draft.shape(value).length === 1) return draft.beforeSoftmax(value);
  throw new ScoringError(
    "model_invalid",
    `ONNX model: its output ${name} is ${formatShape(dims)}, not one row of numbers`,
  );
}
