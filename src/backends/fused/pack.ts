/** Weights in the order in which the kernel reads them: channels padded to register tiles, 3×3 and 5×5 in Winograd's domain. */

import type { Network } from "../../model/graph/check-graph.ts";
import { type Layer, listFusedLayers } from "./fused-form.ts";
import { SEVEN_POINTS, SIX_POINTS, transformKernel } from "./winograd-weights.ts";

/** Outputs of the layers but those of θ and of the logits, which are fixed. */
export type Widths = readonly [number, number, number, number, number, number, number, number];

/** A network as the kernel takes it. */
export interface PackedNetwork {
  readonly widths: Widths;
  /** In the order of the kernel's `addressOf`: weight, bias, weight, bias, …, one pair per layer. */
  readonly tensors: readonly Float32Array[];
}

/** Output channels of a register tile, of the first layer's tile, and neurons of a dense tile: assembly/plan.ts. */
const TILE = 5;
const FIRST_TILE = 4;
const DENSE_TILE = 10;

/** `[outputs / tile][inputs × taps][tile]`, zeros in what is padded. */
function packTiles({ weight }: Layer, tile: number): Float32Array {
  const outputs = weight.shape[0]!;
  const rows = weight.data.length / outputs;
  const packed = new Float32Array(Math.ceil(outputs / tile) * rows * tile);
  for (let output = 0; output < outputs; output++) {
    const start = Math.floor(output / tile) * rows * tile + (output % tile);
    for (let row = 0; row < rows; row++) packed[start + row * tile] = weight.data[output * rows + row]!;
  }
  return packed;
}

/** `[points][outputs / tile][inputs][tile]`, zeros in what is padded. */
function packWinograd({ weight }: Layer, tile: number): Float32Array {
  const [outputs = 0, inputs = 0, side = 0] = weight.shape;
  const step = Math.ceil(outputs / tile) * inputs * tile;
  let packed = new Float32Array();
  for (let output = 0; output < outputs; output++) {
    for (let input = 0; input < inputs; input++) {
      const start = (output * inputs + input) * side * side;
      const points = transformKernel(weight.data.subarray(start, start + side * side), side, SIX_POINTS);
      if (packed.length === 0) packed = new Float32Array(points.length * step);
      const at = (Math.floor(output / tile) * inputs + input) * tile + (output % tile);
      points.forEach((value, point) => {
        packed[point * step + at] = value;
      });
    }
  }
  return packed;
}

/** Taps per side of a quarter of the 7×7 kernel; the right and lower quarters have a row or column of zeros. */
const QUARTER = 4;

/** `[points][outputs / tile][quarter][tile]`: the 7×7 kernel in four of 4×4, zeros in what is padded. */
function packQuarters({ weight }: Layer, tile: number): Float32Array {
  const outputs = weight.shape[0]!;
  const step = Math.ceil(outputs / tile) * 4 * tile;
  const packed = new Float32Array((SEVEN_POINTS.length + 1) ** 2 * step);
  for (let output = 0; output < outputs; output++) {
    for (let quarter = 0; quarter < 4; quarter++) {
      const top = Math.floor(quarter / 2) * QUARTER;
      const left = (quarter % 2) * QUARTER;
      const kernel = Float32Array.from({ length: QUARTER * QUARTER }, (_, tap) => {
        const y = top + Math.floor(tap / QUARTER);
        const x = left + (tap % QUARTER);
        return y < 7 && x < 7 ? weight.data[(output * 7 + y) * 7 + x]! : 0;
      });
      const at = (Math.floor(output / tile) * 4 + quarter) * tile + (output % tile);
      transformKernel(kernel, QUARTER, SEVEN_POINTS).forEach((value, point) => {
        packed[point * step + at] = value;
      });
    }
  }
  return packed;
}

function padBias({ bias }: Layer, tile: number): Float32Array {
  const padded = new Float32Array(Math.ceil(bias.length / tile) * tile);
  padded.set(bias);
  return padded;
}

function packDirect(layer: Layer, tile: number): Float32Array[] {
  return [packTiles(layer, tile), padBias(layer, tile)];
}

function packTransformed(layer: Layer): Float32Array[] {
  return [packWinograd(layer, TILE), padBias(layer, TILE)];
}

/** Packs all layers of a network that fits the kernel. */
export function packNetwork(network: Network): PackedNetwork {
  const layers = listFusedLayers(network);
  const [seven, five, locHidden, theta, conv1, conv2, conv3, conv4, hidden, last] = layers;
  const [l1 = 0, l2 = 0, lh = 0, , c1 = 0, c2 = 0, c3 = 0, c4 = 0, h = 0] = layers.map(({ bias }) => bias.length);
  return {
    widths: [l1, l2, lh, c1, c2, c3, c4, h],
    tensors: [
      packQuarters(seven!, FIRST_TILE),
      padBias(seven!, FIRST_TILE),
      ...packTransformed(five!),
      ...packDirect(locHidden!, DENSE_TILE),
      ...packDirect(theta!, DENSE_TILE),
      ...packDirect(conv1!, TILE),
      ...packTransformed(conv2!),
      ...packTransformed(conv3!),
      ...packTransformed(conv4!),
      ...packDirect(hidden!, DENSE_TILE),
      ...packDirect(last!, DENSE_TILE),
    ],
  };
}
