/**
 * A tfjs GraphModel (model.json of tensorflowjs_converter, and its weights) as a graph. Reads data only: no code of the
 * model runs, and an operation that the graph does not have is named with its node.
 */

import { z } from "zod";
import { ScoringError } from "../../errors.ts";
import { checkGraph, smallestInput, type Network } from "../graph/check-graph.ts";
import { parseGraph, type Graph } from "../graph/graph.ts";
import { inferShape, type ValueShape } from "../graph/shapes.ts";
import { formatShape, type Tensor } from "../tensor.ts";
import { fail, readAttribute, readPair, readWindow, tfjsNode, type TfjsNode } from "./tfjs-node.ts";
import { turnDepthwiseKernel, turnKernel, turnMatrix } from "./tfjs-kernels.ts";
import { readTfjsWeights, tfjsManifestSchema } from "./tfjs-weights.ts";

const modelSchema = z.object({
  format: z.literal("graph-model"),
  modelTopology: z.object({ node: z.array(tfjsNode).max(8192) }),
  weightsManifest: tfjsManifestSchema,
});

/** A node as the graph's schema takes it, defaults left out. */
type Draft = z.input<typeof import("../graph/graph.ts").graphSchema>["nodes"][number];

/** What the file does not say. */
export interface TfjsImportOptions {
  /** The graph's input: its name in the model, channels, sides. */
  readonly input: Graph["input"];
  /** Name outside → name of a node in the model. Nodes that no output needs are left out. */
  readonly outputs: Readonly<Record<string, string>>;
}

const ACTIVATIONS = {
  Relu: "relu",
  Relu6: "relu6",
  Elu: "elu",
  Sigmoid: "sigmoid",
  Tanh: "tanh",
  Softmax: "softmax",
} as const;

const POOLS = { MaxPool: "maxPool", AvgPool: "averagePool" } as const;
const PAIRS = { Add: "add", AddV2: "add", Mul: "multiply" } as const;

/**
 * Reads a model.
 * @param json the parsed model.json
 * @param bytes the files of its manifest, joined
 * @throws ScoringError `model_invalid`, naming the node and what is wrong with it
 */
export function importTfjsGraphModel(json: unknown, bytes: Uint8Array, options: TfjsImportOptions): Network {
  const parsed = modelSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ScoringError("model_invalid", `tfjs model: ${issue?.path.join(".")}: ${issue?.message}`);
  }
  const constants = readTfjsWeights(parsed.data.weightsManifest, bytes);
  const nodes = sortNodes(parsed.data.modelTopology.node, Object.values(options.outputs));
  const draft = new Importer(constants, options.input);
  for (const node of nodes) draft.add(node);
  const outputs = Object.fromEntries(
    Object.entries(options.outputs).map(([outside, name]) => [outside, draft.find(name)]),
  );
  return checkGraph(parseGraph({ input: options.input, nodes: draft.nodes, outputs }), draft.weights);
}

/** The nodes that `outputs` need, each after its inputs. */
function sortNodes(nodes: readonly TfjsNode[], outputs: readonly string[]): TfjsNode[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const sorted = new Set<TfjsNode>();
  const open = outputs.map((name) => ({ name, entered: false }));
  const entered = new Set<string>();
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const node = byName.get(top.name);
    if (node === undefined) throw new ScoringError("model_invalid", `tfjs model: no node is named ${top.name}`);
    if (sorted.has(node) || top.entered) {
      sorted.add(node);
      open.pop();
      continue;
    }
    if (entered.has(node.name)) throw new ScoringError("model_invalid", `tfjs model: ${node.name} depends on itself`);
    entered.add(node.name);
    top.entered = true;
    for (const input of node.input) {
      const name = trimPort(input);
      if (!sorted.has(byName.get(name)!)) open.push({ name, entered: false });
    }
  }
  return [...sorted];
}

/** `name:0` means `name`; `^name` only orders. */
function trimPort(input: string): string {
  return input.replace(/^\^/, "").replace(/:0$/, "");
}

class Importer {
  readonly nodes: Draft[] = [];
  readonly weights = new Map<string, Tensor>();
  readonly #constants: ReadonlyMap<string, Tensor>;
  readonly #values = new Map<string, string>();
  readonly #shapes = new Map<string, ValueShape>();
  /** Vectors whose elements lie pixel by pixel, with the map that they were. */
  readonly #flattened = new Map<string, ValueShape>();

  constructor(constants: ReadonlyMap<string, Tensor>, input: Graph["input"]) {
    this.#constants = constants;
    this.#values.set(input.name, input.name);
    const [height, width] = smallestInput({ input, nodes: [], outputs: {} });
    this.#shapes.set(input.name, [input.channels, height, width]);
  }

  /** The graph's value for a name of the model. */
  find(name: string): string {
    const value = this.#values.get(trimPort(name));
    if (value === undefined)
      throw new ScoringError("model_invalid", `tfjs model: ${name} is not a value of the network`);
    return value;
  }

  add(node: TfjsNode): void {
    const { op, name } = node;
    if (op === "Const" || op === "Placeholder") return;
    if (op === "Identity") this.#values.set(name, this.find(node.input[0] ?? ""));
    else if (op === "_FusedConv2D" || op === "Conv2D") this.#addConvolution(node, false);
    else if (op === "DepthwiseConv2dNative" || op === "FusedDepthwiseConv2dNative") this.#addConvolution(node, true);
    else if (op === "_FusedMatMul" || op === "MatMul") this.#addDense(node);
    else if (isKey(op, POOLS)) {
      const size = readPair(node, "ksize");
      this.#push(name, { name, op: POOLS[op], inputs: this.#inputs(node, 1), size, ...readWindow(node) });
    } else if (isKey(op, PAIRS)) this.#push(name, { name, op: PAIRS[op], inputs: this.#inputs(node, 2) });
    else if (isKey(op, ACTIVATIONS)) this.#push(name, { name, op: ACTIVATIONS[op], inputs: this.#inputs(node, 1) });
    else if (op === "LeakyRelu") this.#addLeaky(name, this.#inputs(node, 1), readAttribute(node, "alpha").f ?? 0.2);
    else if (op === "Prelu") this.#addPrelu(name, this.#inputs(node, 1), this.#constant(node, 1));
    else if (op === "Mean") this.#addMean(node);
    else if (op === "Pad") this.#addPad(node);
    else if (op === "Reshape") this.#addReshape(node);
    else fail(node, `the graph has no operation ${op}`);
  }

  #inputs(node: TfjsNode, count: number): string[] {
    return node.input.slice(0, count).map((name) => {
      if (this.#constants.has(trimPort(name))) fail(node, `its input ${name} is a constant, where a value belongs`);
      return this.find(name);
    });
  }

  #constant(node: TfjsNode, index: number): Tensor {
    const tensor = this.#constants.get(trimPort(node.input[index] ?? ""));
    if (tensor === undefined) fail(node, `its input ${index} is not a constant`);
    return tensor;
  }

  #push(value: string, draft: Draft): void {
    const [node] = parseGraph({
      input: { name: "-", channels: 1, height: null, width: null },
      nodes: [draft],
      outputs: {},
    }).nodes;
    const inputs = node!.inputs.map((name) => this.#shapes.get(name)!);
    this.#shapes.set(draft.name, inferShape(node!, inputs, this.weights));
    this.nodes.push(draft);
    this.#values.set(value, draft.name);
  }

  #keep(name: string, tensor: Tensor): string {
    this.weights.set(name, tensor);
    return name;
  }

  #addConvolution(node: TfjsNode, depthwise: boolean): void {
    const kernel = this.#constant(node, 1);
    if (kernel.shape.length !== 4) fail(node, `its filter is ${formatShape(kernel.shape)}`);
    const dilation = readPair(node, "dilations");
    this.#addWeighted(node, {
      op: "conv",
      groups: depthwise ? (kernel.shape[2] ?? 0) : 1,
      dilation,
      weight: this.#keep(`${node.name}.weight`, depthwise ? turnDepthwiseKernel(kernel) : turnKernel(kernel)),
      ...readWindow(node),
    });
  }

  #addDense(node: TfjsNode): void {
    if (readAttribute(node, "transpose_a").b || readAttribute(node, "transpose_b").b) fail(node, "it transposes");
    const map = this.#flattened.get(this.find(node.input[0] ?? ""));
    const matrix = turnMatrix(this.#constant(node, 1), map?.length === 3 ? map : null);
    const weight = this.#keep(`${node.name}.weight`, matrix);
    this.#addWeighted(node, { op: "dense", weight });
  }

  /** A convolution or dense layer with what is fused into it: a bias, then an activation. */
  #addWeighted(
    node: TfjsNode,
    draft:
      | Omit<Extract<Draft, { op: "conv" }>, "name" | "inputs">
      | Omit<Extract<Draft, { op: "dense" }>, "name" | "inputs">,
  ): void {
    const { name } = node;
    const fused = (readAttribute(node, "fused_ops").list?.s ?? []).map((text) => atob(text));
    const inputs = this.#inputs(node, 1);
    const bias = fused[0] === "BiasAdd" ? { bias: this.#keep(`${name}.bias`, this.#constant(node, 2)) } : {};
    const rest = fused[0] === "BiasAdd" ? fused.slice(1) : fused;
    const [activation] = rest;
    const plain = activation === undefined ? name : `${name}.linear`;
    this.#push(name, { ...draft, ...bias, name: plain, inputs });
    if (activation === undefined) return;
    if (rest.length > 1) fail(node, `it fuses ${fused.join(", ")}`);
    if (isKey(activation, ACTIVATIONS)) this.#push(name, { name, op: ACTIVATIONS[activation], inputs: [plain] });
    else if (activation === "LeakyRelu") this.#addLeaky(name, [plain], readAttribute(node, "leakyrelu_alpha").f ?? 0.2);
    else if (activation === "Prelu") this.#addPrelu(name, [plain], this.#constant(node, 3));
    else fail(node, `the graph has no activation ${activation}`);
  }

  #addLeaky(name: string, inputs: string[], slope: number): void {
    this.#push(name, { name, op: "leakyRelu", inputs, slope });
  }

  #addPrelu(name: string, inputs: string[], { data }: Tensor): void {
    const weight = this.#keep(`${name}.slopes`, { shape: [data.length], data });
    this.#push(name, { name, op: "prelu", inputs, weight });
  }

  #addMean(node: TfjsNode): void {
    const axes = [...this.#constant(node, 1).data].sort((a, b) => a - b).join();
    if (axes !== "1,2" || readAttribute(node, "keep_dims").b) fail(node, `it takes the mean over the axes ${axes}`);
    this.#push(node.name, { name: node.name, op: "globalAveragePool", inputs: this.#inputs(node, 1) });
  }

  #addPad(node: TfjsNode): void {
    const amounts = [...this.#constant(node, 1).data];
    if (amounts.length !== 8 || amounts[0] !== 0 || amounts[1] !== 0) fail(node, "it pads something other than a map");
    const [, , top = 0, bottom = 0, left = 0, right = 0, before = 0, behind = 0] = amounts;
    const sides: [number, number, number, number] = [top, left, bottom, right];
    const inputs = this.#inputs(node, 1);
    this.#push(node.name, { name: node.name, op: "pad", inputs, sides, channels: [before, behind] });
  }

  #addReshape(node: TfjsNode): void {
    const inputs = this.#inputs(node, 1);
    const shape = this.#shapes.get(inputs[0]!)!;
    const target = [...this.#constant(node, 1).data];
    const count = shape.reduce((product, size) => product * size, 1);
    if (target.length !== 2 || (target[1] !== count && target[1] !== -1)) {
      fail(node, `it makes ${formatShape(target)} of ${formatShape(shape)}; only a vector of the whole is known`);
    }
    this.#push(node.name, { name: node.name, op: "flatten", inputs });
    this.#flattened.set(node.name, shape);
  }
}

function isKey<T extends object>(key: string, table: T): key is Extract<keyof T, string> {
  return Object.hasOwn(table, key);
}
