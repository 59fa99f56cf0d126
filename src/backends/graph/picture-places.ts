/** How one picture's values lie: row by row, pixel by pixel, channels together. */

import type { Network } from "../../model/graph/check-graph.ts";
import type { NodeOf } from "../../model/graph/graph.ts";
import type { Sides, ValueShape } from "../../model/graph/shapes.ts";
import { listInputs, type Layer, type LayerOf } from "./layers.ts";
import { asPixels, FLOAT, LANES, padLanes, placeValues, type Arena } from "./places.ts";

/** A value in memory; a vector is a map of one pixel. */
export interface Place {
  /** Of the first pixel's first channel, behind the border. */
  readonly address: number;
  /** Bytes from row to row. */
  readonly row: number;
  /** Bytes from pixel to pixel. */
  readonly pitch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Floats from pixel to pixel of the network's input: without gaps where only products read it, which read floats. */
export function inputPitch(network: Network, layers: readonly Layer[]): number {
  const { name, channels } = network.graph.input;
  const readers = layers.filter((layer) => listInputs(layer).includes(name));
  const plain = readers.every((layer) => layer.op === "product" && layer.depthwise === null && layer.residual !== name);
  return plain ? channels : padLanes(channels);
}

/** The places of a picture, and what must be zero before it runs. */
export interface PicturePlaces {
  readonly places: ReadonlyMap<string, Place>;
  /** Address and bytes in turn: borders, and values that no step fills wholly. */
  readonly zeros: readonly number[];
}

/** Layers that write whole vectors; others, and the host, write channels. */
const FILLERS: readonly Layer["op"][] = ["product", "depthwise", "combine", "pool"];

/** Gives every value of a picture a place. */
export function placePicture(
  network: Network,
  layers: readonly Layer[],
  shapes: ReadonlyMap<string, ValueShape>,
  arena: Arena,
): PicturePlaces {
  const { input } = network.graph;
  const first = inputPitch(network, layers) * FLOAT;
  const filled = new Set(layers.filter(({ op }) => FILLERS.includes(op)).map(({ output }) => output));
  /** Values of one form at one address have the same zeros. */
  const zeros = new Map<string, number[]>();
  const places = placeValues(network, layers, shapes, arena, (name, shape, border: Sides) => {
    const [channels, height, width] = asPixels(shape);
    const [top, left, bottom, right] = border;
    const pitch = name === input.name ? first : padLanes(channels) * FLOAT;
    const row = (width + left + right) * pitch;
    const bytes = (height + top + bottom) * row + LANES * FLOAT;
    const isPartial = name === input.name ? pitch !== channels * FLOAT : !filled.has(name);
    const key = [channels, height, width, pitch, top, left, bottom, right].join();
    return {
      bytes,
      key,
      at(start) {
        const address = start + top * row + left * pitch;
        const around = isPartial ? [start, bytes] : listBorder(start, bytes, address, row, height, width * pitch);
        zeros.set(`${start} ${isPartial ? "whole" : key}`, around);
        return { address, row, pitch, channels, height, width };
      },
    };
  });
  return { places, zeros: [...zeros.values()].flat() };
}

/** What lies around and between the rows of a value. */
function listBorder(start: number, bytes: number, address: number, row: number, height: number, line: number) {
  const around = [start, address - start];
  for (let y = 0; y < height; y++) {
    const from = address + y * row + line;
    around.push(from, (y === height - 1 ? start + bytes : from + row - line) - from);
  }
  return around.filter((_, i) => around[i | 1] !== 0);
}

/** Offsets of a window's pixels, row by row. */
export function listTaps(node: NodeOf<"conv">, tall: number, wide: number, from: Place): number[] {
  return Array.from({ length: tall * wide }, (_, tap) => {
    return Math.floor(tap / wide) * node.dilation[0] * from.row + (tap % wide) * node.dilation[1] * from.pitch;
  });
}

/** Words of a step that samples: assembly/sampler.ts. */
export function listSample(
  { node, inputs, output }: LayerOf<"sample">,
  places: ReadonlyMap<string, Place>,
): readonly number[] {
  const [from, theta, to] = [...inputs, output].map((name) => places.get(name)!);
  const source = [from!.address, from!.row, from!.pitch, from!.height, from!.width, theta!.address];
  const target = [to!.address, to!.row, to!.pitch, padLanes(to!.channels) / LANES];
  return [...source, ...target, node.corners === "aligned" ? 1 : 0];
}

/** Bytes from channel to channel, from row to row and from pixel to pixel. */
export function stridesOf({ row, pitch }: Place): readonly [number, number, number] {
  return [FLOAT, row, pitch];
}

/** The shape of a value. */
export function shapeOf({ channels, height, width }: Place): ValueShape {
  return [channels, height, width];
}
