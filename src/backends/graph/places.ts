/** Where values lie in memory: with the border of zeros that their readers need, values of one form in turn in one place. */

import type { Network } from "../../model/graph/check-graph.ts";
import type { NodeOf } from "../../model/graph/graph.ts";
import { resolvePadding, type Sides, type ValueShape } from "../../model/graph/shapes.ts";
import { listInputs, type Layer } from "./layers.ts";

/** Bytes of a float. */
export const FLOAT = 4;
/** Floats of a vector. */
export const LANES = 4;

/** `count` rounded up to whole vectors. */
export function padLanes(count: number): number {
  return Math.ceil(count / LANES) * LANES;
}

/** One cache line. */
const LINE = 64;

/** Hands out addresses, one behind the other. */
export interface Arena {
  /** Address of `bytes` bytes. */
  take(bytes: number): number;
  /** First address not handed out. */
  end(): number;
}

/** An arena from `start`. */
export function createArena(start: number): Arena {
  let top = Math.ceil(start / LINE) * LINE;
  return {
    take(bytes) {
      const at = top;
      top = Math.ceil((top + bytes) / LINE) * LINE;
      return at;
    },
    end: () => top,
  };
}

/** Channels, rows and columns of any value; a vector is a map of one pixel. */
export function asPixels(shape: ValueShape): readonly [channels: number, height: number, width: number] {
  return shape.length === 3 ? shape : [shape[0], 1, 1];
}

/** Rows and columns that the window of a convolution spans. */
export function measureReach(node: NodeOf<"conv">, network: Network): [number, number] {
  const [, , tall = 1, wide = 1] = network.weights.get(node.weight)!.shape;
  return [node.dilation[0] * (tall - 1) + 1, node.dilation[1] * (wide - 1) + 1];
}

/** What a convolution reads around a map of this shape. */
export function measureBorder(node: NodeOf<"conv">, network: Network, shape: ValueShape): Sides {
  const [, height, width] = asPixels(shape);
  return resolvePadding(node.padding, [height, width], measureReach(node, network), node.stride);
}

/** The convolution that reads the layer's input with a border. */
function findWindow(layer: Layer): NodeOf<"conv"> | null {
  if (layer.op === "depthwise") return layer.node;
  if (layer.op !== "product") return null;
  return layer.depthwise?.node ?? (layer.node.op === "conv" ? layer.node : null);
}

/** How an engine lays out one value. */
export interface Form<Place> {
  readonly bytes: number;
  /** Everything that decides where the value's numbers and zeros are. */
  readonly key: string;
  /** The value's place if its bytes begin at `start`. */
  at(start: number): Place;
}

/** Gives every value a place. @param layOut how a value with a border lies */
export function placeValues<Place>(
  network: Network,
  layers: readonly Layer[],
  shapes: ReadonlyMap<string, ValueShape>,
  arena: Arena,
  layOut: (name: string, shape: ValueShape, border: Sides) => Form<Place>,
): Map<string, Place> {
  const { input, outputs } = network.graph;
  const borders = new Map<string, Sides>();
  const lastRead = new Map<string, number>();
  layers.forEach((layer, index) => {
    const node = findWindow(layer);
    for (const name of listInputs(layer)) lastRead.set(name, index);
    if (node === null || (layer.op !== "product" && layer.op !== "depthwise")) return;
    const needed = measureBorder(node, network, shapes.get(layer.input)!);
    const [top, left, bottom, right] = borders.get(layer.input) ?? [0, 0, 0, 0];
    const wider = [top, left, bottom, right].map((side, i) => Math.max(side, needed[i]!));
    borders.set(layer.input, [wider[0]!, wider[1]!, wider[2]!, wider[3]!]);
  });
  for (const name of Object.values(outputs)) lastRead.set(name, layers.length);

  const places = new Map<string, Place>();
  const free = new Map<string, number[]>();
  const taken = new Map<string, { key: string; start: number }>();

  /** @param zeros whether the value relies on zeros within itself, which another value of its form would overwrite */
  const place = (name: string, zeros: boolean): void => {
    const form = layOut(name, shapes.get(name)!, borders.get(name) ?? [0, 0, 0, 0]);
    const key = zeros ? `${form.key} of ${name}` : form.key;
    // Equal forms have equal zeros around and between, so whoever comes next finds them.
    const start = free.get(key)?.pop() ?? arena.take(form.bytes);
    taken.set(name, { key, start });
    places.set(name, form.at(start));
  };

  place(input.name, false);
  layers.forEach((layer, index) => {
    place(layer.output, layer.op === "copy" && layer.node.op === "pad");
    for (const name of new Set(listInputs(layer))) {
      if (lastRead.get(name) !== index) continue;
      const { key, start } = taken.get(name)!;
      free.set(key, [...(free.get(key) ?? []), start]);
    }
  });
  return places;
}
