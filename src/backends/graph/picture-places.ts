/** How one picture's values lie: row by row, pixel by pixel, channels together. */

import type { Network } from "../../model/graph/check-graph.ts";
import type { Sides, ValueShape } from "../../model/graph/shapes.ts";
import { listInputs, type Layer } from "./layers.ts";
import { LANES, padLanes } from "./picture-weights.ts";
import { asPixels, FLOAT, placeValues, type Arena } from "./places.ts";

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

/** Gives every value of a picture a place. */
export function placePicture(
  network: Network,
  layers: readonly Layer[],
  shapes: ReadonlyMap<string, ValueShape>,
  arena: Arena,
): Map<string, Place> {
  const { input } = network.graph;
  const first = inputPitch(network, layers) * FLOAT;
  return placeValues(network, layers, shapes, arena, (name, shape, border: Sides) => {
    const [channels, height, width] = asPixels(shape);
    const [top, left, bottom, right] = border;
    const pitch = name === input.name ? first : padLanes(channels) * FLOAT;
    const row = (width + left + right) * pitch;
    return {
      bytes: (height + top + bottom) * row + LANES * FLOAT,
      key: [channels, height, width, pitch, top, left, bottom, right].join(),
      at: (start) => ({ address: start + top * row + left * pitch, row, pitch, channels, height, width }),
    };
  });
}
