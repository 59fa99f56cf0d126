/** What the operators of the ONNX importer work with: inputs and attributes of a node, and the network so far. */

import { ScoringError } from "../../../errors.ts";
import { formatShape } from "../../tensor.ts";
import type { NetworkDraft } from "../network-draft.ts";
import type { OnnxAttribute, OnnxNode } from "./messages.ts";
import type { Constant } from "./tensor.ts";
import {
  arrange,
  CHANNELS_FIRST,
  CHANNELS_LAST,
  type Dynamic,
  type Fixed,
  type Order,
  type Places,
  type Value,
} from "./value.ts";

/** Says what is wrong with a node. @throws ScoringError `model_invalid` */
export function fail(node: OnnxNode, reason: string): never {
  throw new ScoringError("model_invalid", `ONNX model: ${node.op} ${node.name}: ${reason}`);
}

/** One node while it is read. */
export class NodeContext {
  readonly node: OnnxNode;
  readonly draft: NetworkDraft;
  readonly opset: number;
  /** Which of the node's outputs is made. */
  readonly outputIndex: number;
  readonly #find: (name: string) => Value | Places | undefined;

  constructor(
    node: OnnxNode,
    draft: NetworkDraft,
    opset: number,
    find: (name: string) => Value | Places | undefined,
    outputIndex = 0,
  ) {
    this.node = node;
    this.outputIndex = outputIndex;
    this.draft = draft;
    this.opset = opset;
    this.#find = find;
  }

  fail(reason: string): never {
    return fail(this.node, reason);
  }

  /** An input of any kind; `null` where it is left out. */
  any(index: number): Value | Places | null {
    const name = this.node.inputs[index] ?? "";
    if (name === "") return null;
    return this.#find(name) ?? this.fail(`its input ${name} is made by no node before it`);
  }

  /** A constant or a value; `null` where it is left out. */
  input(index: number): Value | null {
    const value = this.any(index);
    return value?.kind === "places"
      ? this.fail(`its input ${index} are the places of a grid, which only GridSample reads`)
      : value;
  }

  /** A value of the network. */
  dynamic(index: number): Dynamic {
    const value = this.input(index) ?? this.fail(`its input ${index} is missing`);
    return value.kind === "value" ? value : this.fail(`its input ${index} is a constant, where a value belongs`);
  }

  /** A constant; `null` where it is left out. */
  constant(index: number): Fixed | null {
    const value = this.input(index);
    if (value?.kind === "value") return this.fail(`its input ${index} is computed, where only a constant is known`);
    return value;
  }

  /** A constant that must be there. */
  required(index: number): Fixed {
    return this.constant(index) ?? this.fail(`its input ${index} is missing`);
  }

  /** All inputs, which must be constants or values. */
  inputs(): Value[] {
    return this.node.inputs.map((_, index) => this.input(index) ?? this.fail(`its input ${index} is missing`));
  }

  attribute(name: string): OnnxAttribute | undefined {
    return this.node.attributes.get(name);
  }

  integer(name: string, otherwise: number): number {
    return this.attribute(name)?.integer ?? otherwise;
  }

  float(name: string, otherwise: number): number {
    return this.attribute(name)?.float ?? otherwise;
  }

  text(name: string, otherwise: string): string {
    return this.attribute(name)?.text ?? otherwise;
  }

  integers(name: string): readonly number[] | null {
    return this.attribute(name)?.integers ?? null;
  }

  /** Whole numbers that older opsets have as an attribute and newer ones as an input. */
  integersOr(name: string, index: number): readonly number[] | null {
    const constant = this.constant(index);
    return constant === null ? this.integers(name) : [...constant.values];
  }

  /** An axis of `rank` dimensions, counted from the front. */
  axis(axis: number, rank: number): number {
    const counted = axis < 0 ? axis + rank : axis;
    return Number.isInteger(counted) && counted >= 0 && counted < rank
      ? counted
      : this.fail(`it has no axis ${axis} of ${rank}`);
  }

  /** An input whose axes are known: four dimensions that were a vector become a map. */
  picture(index: number): Dynamic {
    return this.unfolded(this.dynamic(index));
  }

  /** The same of any value. */
  unfolded(input: Dynamic): Dynamic {
    const { order, dims } = input;
    if (order !== null || dims.length !== 4) return input;
    // Numbers along one axis are channels, wherever that lies: a dense layer after Keras's Reshape((1, 1, channels)).
    const long = dims.flatMap((size, axis) => (size > 1 ? [axis] : []));
    if (long.length === 1 && long[0] === 3) return { ...input, order: CHANNELS_LAST };
    return { ...input, value: this.unfold(input), order: CHANNELS_FIRST };
  }

  /** A map, channels first, as a value of the graph. */
  map(value: Dynamic): string {
    const { order, dims } = value;
    if (dims.length !== 4) return this.fail(`its input is ${formatShape(dims)}, not a map`);
    if (order?.join() === CHANNELS_FIRST.join()) return value.value;
    return order === null ? this.unfold(value) : this.turn(value);
  }

  /** A vector of all numbers of a value, row by row as the file has them. */
  vector(value: Dynamic): string {
    if (value.order === null) return value.value;
    const map = isFirst(value.order, value.dims) ? value.value : this.turn(value);
    if (this.draft.shape(map).length === 1) return map;
    return this.draft.push({ name: this.#part("flat"), op: "flatten", inputs: [map] });
  }

  /** A vector as the map that the file says it is; one of one position stays a vector. */
  unfold({ value, dims }: Dynamic): string {
    const [, channels = 1, height = 1, width = 1] = dims;
    return height === 1 && width === 1 ? value : this.#reshape(value, [channels, height, width]);
  }

  /** A map in another order, turned to channels first. */
  turn({ value, order }: Dynamic): string {
    const [a, b, c] = order ?? CHANNELS_FIRST;
    const map = this.spread(value);
    return this.draft.push({ name: this.#part("turned"), op: "transpose", inputs: [map], order: [a, b, c] });
  }

  /** A value as a map: a vector becomes one of one position. */
  spread(value: string): string {
    const [length, ...rest] = this.draft.shape(value);
    return rest.length > 0 ? value : this.#reshape(value, [length, 1, 1]);
  }

  /**
   * A vector that stands for several dimensions, with these in another order. Dimensions that stay neighbors move
   * together; there may be three such groups.
   * @param perm of all dimensions, the batch first
   */
  permute(input: Dynamic, perm: readonly number[]): Dynamic {
    const { dims } = input;
    const turned = perm.map((axis) => dims[axis]!);
    const long = perm.filter((axis) => dims[axis] !== 1);
    const groups: number[][] = [];
    for (const axis of long) {
      const last = groups.at(-1);
      const before = last?.at(-1) ?? dims.length;
      const isNext = axis > before && long.every((other) => other <= before || other >= axis);
      if (last !== undefined && isNext) last.push(axis);
      else groups.push([axis]);
    }
    const result = { ...input, dims: turned, shared: false };
    if (groups.length <= 1) return { ...result, shared: input.shared };
    if (groups.length > 3) return this.fail(`it turns ${formatShape(dims)} by ${formatShape(perm)}`);
    const before = groups.toSorted((a, b) => a[0]! - b[0]!);
    const sizes = before.map((axes) => axes.reduce((product, axis) => product * dims[axis]!, 1));
    while (sizes.length < 3) sizes.push(1);
    const order = groups.map((axes) => before.indexOf(axes));
    if (order.length < 3) order.push(2);
    const map = this.#reshape(input.value, [sizes[0]!, sizes[1]!, sizes[2]!]);
    const [a = 0, b = 1, c = 2] = order;
    const moved = this.draft.push({ name: this.#part("turned"), op: "transpose", inputs: [map], order: [a, b, c] });
    return { ...result, value: this.draft.push({ name: this.#part("flat"), op: "flatten", inputs: [moved] }) };
  }

  #reshape(value: string, shape: [number, number, number]): string {
    return this.draft.push({ name: this.#part("map"), op: "reshape", inputs: [value], shape });
  }

  /** A name for a value on the way to what the node makes. */
  #part(what: string): string {
    return this.draft.name(`${this.node.name}/${what}`);
  }

  /** What a node of the graph made, as a map in the file's eyes. */
  asMap(value: string, order: Order = CHANNELS_FIRST): Dynamic {
    return { kind: "value", value, dims: arrange(this.draft.shape(value), order), order, shared: false };
  }

  /** What a node of the graph made, as a vector. */
  asVector(value: string): Dynamic {
    return { kind: "value", value, dims: [1, this.draft.shape(value)[0]], order: null, shared: false };
  }

  /** What a node of the graph made, in the form of another value of the same shape. */
  like(form: Dynamic, value: string): Dynamic {
    return { ...form, value, shared: false };
  }

  /** A value's own name for what this node makes. */
  output(): string {
    return this.draft.name(this.node.outputs[this.outputIndex] ?? this.node.name);
  }
}

/** Whether the numbers lie as with channels first: axes of size one lie anywhere. */
function isFirst(order: Order, dims: readonly number[]): boolean {
  const long = order.filter((_, i) => dims[i + 1] !== 1);
  return long.every((axis, i) => i === 0 || long[i - 1]! < axis);
}

/** A constant. */
export function fix({ dims, values }: Constant): Fixed {
  return { kind: "constant", dims, values };
}
