/** What the layers of the LayersModel importer work with: inputs, settings and weights of one layer, and the network so far. */

import { formatShape, type Tensor } from "../../tensor.ts";
import type { MapShape, ValueShape } from "../../graph/shapes.ts";
import type { NetworkDraft } from "../network-draft.ts";
import { fail, type KerasLayer } from "./topology.ts";

/** What a layer made. */
export interface LayerValue {
  /** The graph's value. */
  readonly value: string;
  /** Whether the layer's value is this map's flattening, pixel by pixel: a vector that is not made yet. */
  readonly isFlat: boolean;
  /** Whether several layers, or the outside, read it. */
  readonly isShared: boolean;
}

/** One layer while it is read. */
export class LayerContext {
  readonly layer: KerasLayer;
  readonly draft: NetworkDraft;
  readonly isShared: boolean;
  readonly #inputs: readonly LayerValue[];
  readonly #weights: ReadonlyMap<string, Tensor>;

  constructor(
    layer: KerasLayer,
    draft: NetworkDraft,
    known: {
      readonly inputs: readonly LayerValue[];
      readonly weights: ReadonlyMap<string, Tensor>;
      readonly isShared: boolean;
    },
  ) {
    this.layer = layer;
    this.draft = draft;
    this.isShared = known.isShared;
    this.#inputs = known.inputs;
    this.#weights = known.weights;
  }

  fail(reason: string): never {
    return fail(this.layer, reason);
  }

  /** What a layer of one input reads, as it is. */
  input(): LayerValue {
    const [input] = this.#inputs;
    if (input === undefined || this.#inputs.length > 1)
      return this.fail(`it has ${this.#inputs.length} inputs, not one`);
    return input;
  }

  /** The same as a value of the graph. */
  plain(): LayerValue {
    return this.settle(this.input());
  }

  /** What a layer of several inputs reads, as values of the graph. */
  all(): readonly LayerValue[] {
    if (this.#inputs.length < 2) return this.fail(`it has ${this.#inputs.length} inputs, not two or more`);
    return this.#inputs.map((input) => this.settle(input));
  }

  /** A flattening is made here: its numbers in TensorFlow's order. */
  settle(input: LayerValue): LayerValue {
    if (!input.isFlat) return input;
    const [channels, height, width] = this.draft.shape(input.value);
    const isOneOrder = channels === 1 || (height ?? 1) * (width ?? 1) === 1;
    const map = isOneOrder
      ? input.value
      : this.draft.push({ name: this.part("turned"), op: "transpose", inputs: [input.value], order: [1, 2, 0] });
    const value = this.draft.push({ name: this.part("flat"), op: "flatten", inputs: [map] });
    return { value, isFlat: false, isShared: false };
  }

  /** Shape of a value: channels first. */
  shape({ value }: LayerValue): ValueShape {
    return this.draft.shape(value);
  }

  /** A map's shape. */
  mapShape(input: LayerValue): MapShape {
    const shape = this.shape(input);
    return shape.length === 3 ? shape : this.fail(`its input is a vector of ${shape[0]}, not a map`);
  }

  /** What the layer made. */
  make(value: string): LayerValue {
    return { value, isFlat: false, isShared: this.isShared };
  }

  /** The layer's input goes on as it is. */
  pass(input: LayerValue): LayerValue {
    return { ...input, isShared: input.isShared || this.isShared };
  }

  /** The layer's own name, as a value of the graph. */
  output(): string {
    return this.draft.name(this.layer.name);
  }

  /** A name for a value on the way to what the layer makes. */
  part(what: string): string {
    return this.draft.name(`${this.layer.name}/${what}`);
  }

  /** A tensor of the layer; `null` where there is none. */
  find(name: string): Tensor | null {
    return this.#weights.get(`${this.layer.name}/${name}`) ?? null;
  }

  /** A tensor of so many dimensions. */
  weight(name: string, dimensions: number): Tensor {
    const tensor = this.find(name) ?? this.fail(`the weights have no ${this.layer.name}/${name}`);
    if (tensor.shape.length !== dimensions) return this.fail(`its ${name} is ${formatShape(tensor.shape)}`);
    return tensor;
  }

  /** One number for each of so many channels; `null` where there is no such tensor. */
  vector(name: string, length: number): Float32Array | null {
    const tensor = this.find(name);
    if (tensor === null) return null;
    if (tensor.data.length !== length) return this.fail(`its ${name} is ${formatShape(tensor.shape)}, not [${length}]`);
    return tensor.data;
  }

  /** A bias for `keep`; none where the layer has none. */
  bias(outputs: number): { readonly bias?: string } {
    if (this.layer.config["use_bias"] === false) return {};
    const data = this.vector("bias", outputs);
    return data === null ? {} : { bias: this.draft.keep(`${this.layer.name}.bias`, [outputs], data) };
  }

  number(name: string, otherwise: number): number {
    const value = this.layer.config[name] ?? otherwise;
    return typeof value === "number" && Number.isFinite(value) ? value : this.fail(`its ${name} is no number`);
  }

  /** A text, `null` where it is not given. */
  text(name: string): string | null {
    const value = this.layer.config[name] ?? null;
    return value === null || typeof value === "string" ? value : this.fail(`its ${name} is no text`);
  }

  /** One whole number for rows and columns, or one for each. */
  pair(name: string, otherwise: number): [number, number] {
    const value = this.layer.config[name] ?? otherwise;
    const [rows, columns]: readonly unknown[] = Array.isArray(value) ? value : [value, value];
    if (!isCount(rows) || !isCount(columns)) return this.fail(`its ${name} is not a number of rows and columns`);
    return [rows, columns];
  }

  /** Whole numbers of a list; `null` for anything else. @param read what an item means */
  integers(name: string, read: (item: unknown) => unknown = (item) => item): readonly number[] | null {
    const value = this.layer.config[name];
    if (!Array.isArray(value)) return null;
    const items: readonly unknown[] = value.map(read);
    return items.every((item): item is number => Number.isSafeInteger(item)) ? items : null;
  }

  /** Stride and padding of a window. */
  window(): { stride: [number, number]; padding: "same" | [number, number, number, number] } {
    this.requireChannelsLast();
    const padding = this.text("padding") ?? "valid";
    if (padding !== "same" && padding !== "valid") return this.fail(`its padding is ${padding}`);
    return { stride: this.pair("strides", 1), padding: padding === "same" ? "same" : [0, 0, 0, 0] };
  }

  requireChannelsLast(): void {
    const format = this.text("data_format") ?? "channels_last";
    if (format !== "channels_last" && format !== "channelsLast") this.fail(`its layout is ${format}`);
  }
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}
