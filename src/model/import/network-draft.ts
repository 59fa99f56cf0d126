/** A network that an importer builds node by node: shapes are known at each step, weights are counted as they come. */

import { ScoringError } from "../../errors.ts";
import { checkGraph, smallestInput, type Network } from "../graph/check-graph.ts";
import { parseGraph, type DraftNode, type Graph } from "../graph/graph.ts";
import { inferShape, type ValueShape } from "../graph/shapes.ts";
import type { Tensor } from "../tensor.ts";
import type { ImportLimits } from "./import-limits.ts";

/** Longest name of a graph's value. */
const MAX_NAME = 200;

/** Nodes, weights and shapes so far. */
export class NetworkDraft {
  readonly #nodes = new Map<string, DraftNode>();
  readonly #weights = new Map<string, Tensor>();
  readonly #shapes = new Map<string, ValueShape>();
  readonly #input: Graph["input"];
  readonly #limits: ImportLimits;
  #numbers = 0;

  constructor(input: Graph["input"], limits: ImportLimits) {
    this.#input = input;
    this.#limits = limits;
    const [height, width] = smallestInput({ input, nodes: [], outputs: {} });
    this.#shapes.set(input.name, [input.channels, height, width]);
  }

  /** A value's shape at the smallest input. */
  shape(value: string): ValueShape {
    const shape = this.#shapes.get(value);
    if (shape === undefined) throw new ScoringError("internal", `no value ${value}`);
    return shape;
  }

  /** The node that makes a value; none makes the input. */
  made(value: string): DraftNode | undefined {
    return this.#nodes.get(value);
  }

  /** A name that no value and no tensor has, as like `wanted` as can be. */
  name(wanted: string): string {
    const short = wanted.slice(0, MAX_NAME - 8);
    let name = short;
    for (let i = 2; this.#shapes.has(name) || this.#weights.has(name); i++) name = `${short}~${i}`;
    return name;
  }

  /** Adds a node. @returns its name @throws ScoringError `model_invalid` if it does not fit */
  push(draft: DraftNode): string {
    const { nodes } = parseGraph({ input: this.#input, nodes: [draft], outputs: {} });
    const node = nodes[0]!;
    if (this.#shapes.has(node.name)) throw new ScoringError("model_invalid", `two values are named ${node.name}`);
    const inputs = node.inputs.map((name) => this.shape(name));
    this.#shapes.set(node.name, inferShape(node, inputs, this.#weights));
    this.#nodes.set(node.name, draft);
    return node.name;
  }

  /** Notes a tensor, under a name of its own. @throws ScoringError `model_invalid` if all together are too many numbers */
  keep(wanted: string, shape: readonly number[], data: Float32Array): string {
    this.reserve(data.length);
    const name = this.name(wanted);
    this.#weights.set(name, { shape, data });
    return name;
  }

  /** Asks before a tensor of `count` numbers is made. @throws ScoringError `model_invalid` */
  reserve(count: number): void {
    if (this.#numbers + count > this.#limits.maxWeights) {
      throw new ScoringError("model_invalid", `the weights have more than ${this.#limits.maxWeights} numbers`);
    }
    this.#numbers += count;
  }

  /**
   * Multiplies and shifts the channels of a convolution or dense layer that nothing has read yet.
   * @returns whether `value` is one
   */
  fold(value: string, scales: Float32Array, offsets: Float32Array): boolean {
    const node = this.#nodes.get(value);
    if (node?.op !== "conv" && node?.op !== "dense") return false;
    const { shape, data } = this.#weights.get(node.weight)!;
    const each = data.length / scales.length;
    const bias = node.bias === undefined ? null : this.#weights.get(node.bias)!.data;
    this.#weights.set(node.weight, { shape, data: data.map((x, i) => x * scales[Math.floor(i / each)]!) });
    const shifted = offsets.map((offset, k) => (bias?.[k] ?? 0) * scales[k]! + offset);
    const name = node.bias ?? this.keep(`${value}.bias`, [scales.length], shifted);
    this.#weights.set(name, { shape: [scales.length], data: shifted });
    this.#nodes.set(value, { ...node, bias: name });
    return true;
  }

  /**
   * Multiplies and shifts channels: folded into the layer before where nothing else reads it, else a layer of its own.
   * @param wanted name of that layer
   * @returns the name of the value
   */
  scale(wanted: string, value: string, scales: Float32Array, offsets: Float32Array, isShared: boolean): string {
    if (!isShared && this.fold(value, scales, offsets)) return value;
    const channels = scales.length;
    const isMap = this.shape(value).length === 3;
    if (!isMap) this.reserve(channels * channels);
    const weight = isMap ? scales : new Float32Array(channels * channels);
    if (!isMap) scales.forEach((x, k) => (weight[k * channels + k] = x));
    const weights = {
      weight: this.keep(`${wanted}.scale`, isMap ? [channels, 1, 1, 1] : [channels, channels], weight),
      bias: this.keep(`${wanted}.offset`, [channels], offsets),
    };
    const common = { name: this.name(wanted), inputs: [value], ...weights };
    return isMap ? this.push({ ...common, op: "conv", groups: channels }) : this.push({ ...common, op: "dense" });
  }

  /** What goes into a softmax; any other value is itself. */
  beforeSoftmax(value: string): string {
    const node = this.#nodes.get(value);
    return node?.op === "softmax" ? node.inputs[0]! : value;
  }

  /** The network of what `outputs` need, checked. @throws ScoringError `model_invalid` */
  finish(outputs: Readonly<Record<string, string>>): Network {
    const needed = new Set(Object.values(outputs));
    const nodes = [...this.#nodes.values()].toReversed().filter((node) => {
      if (!needed.has(node.name)) return false;
      for (const input of node.inputs) needed.add(input);
      return true;
    });
    const read = new Set(nodes.flatMap((node) => Object.values(node)));
    const weights = new Map([...this.#weights].filter(([name]) => read.has(name)));
    return checkGraph(parseGraph({ input: this.#input, nodes: nodes.toReversed(), outputs }), weights);
  }
}
