/** Weights as the kernels of a batch read them. */

import type { Network } from "../../model/graph/check-graph.ts";
import type { NodeOf } from "../../model/graph/graph.ts";
import { countElements } from "../../model/tensor.ts";
import type { Activation, Layer } from "./layers.ts";
import { packWinograd, type TileSide } from "./winograd-packing.ts";

/** Outputs of a block: assembly/batch-product.ts. */
export const BATCH_BLOCK = 6;
/** Inputs from which Winograd's transforms pay. */
const MIN_WINOGRAD_INPUTS = 4;
/** One layer's numbers. */
export interface BatchKernel {
  readonly weights: Float32Array;
  /** One an output, padded to whole blocks. */
  readonly bias: Float32Array;
  /** The same of the activation. */
  readonly slopes: Float32Array;
  /** `null` for convolutions as the definition says. */
  readonly tile: TileSide | null;
}

/**
 * The tile whose products cost least for a map of outputs; `null` where Winograd's method is none.
 * @param size rows and columns of the output
 */
export function chooseTile(
  node: NodeOf<"conv" | "dense">,
  network: Network,
  size: readonly [number, number],
): TileSide | null {
  const [, inputs = 0, tall, wide] = network.weights.get(node.weight)!.shape;
  if (node.op === "dense" || node.groups > 1 || tall !== 3 || wide !== 3 || inputs < MIN_WINOGRAD_INPUTS) return null;
  if ([...node.stride, ...node.dilation].some((step) => step !== 1)) return null;
  const cost = (side: TileSide): number => {
    if (size.some((length) => length < side)) return Infinity;
    return size.reduce((tiles, length) => tiles * Math.ceil(length / side), (side + 2) ** 2);
  };
  const best = cost(4) <= cost(3) ? 4 : 3;
  return cost(best) < 9 * size[0] * size[1] ? best : null;
}

const blocks = (outputs: number): number => Math.ceil(outputs / BATCH_BLOCK) * BATCH_BLOCK;

/** How many numbers {@link packBatchLayer} makes. */
export interface BatchKernelSize {
  readonly weights: number;
  readonly bias: number;
  readonly slopes: number;
  readonly tile: TileSide | null;
}

/** The size of what {@link packBatchLayer} makes, from the shapes of the weights alone. */
export function sizeBatchLayer(
  layer: Layer,
  network: Network,
  channels: number,
  size: readonly [number, number],
): BatchKernelSize | null {
  if (layer.op === "product") {
    const tile = chooseTile(layer.node, network, size);
    const [outputs = 0, ...rest] = network.weights.get(layer.node.weight)!.shape;
    const each = tile === null ? countElements(rest) : (tile + 2) ** 2 * (rest[0] ?? 0);
    const padded = blocks(outputs);
    return { weights: padded * each, bias: padded, slopes: padded, tile };
  }
  const padded = blocks(channels);
  if (layer.op === "depthwise") {
    const weights = countElements(network.weights.get(layer.node.weight)!.shape);
    return { weights, bias: padded, slopes: padded, tile: null };
  }
  return layer.op === "combine" ? { weights: 0, bias: padded, slopes: padded, tile: null } : null;
}

/** Packs a convolution, a dense layer or an activation; `null` for layers without numbers. */
export function packBatchLayer(
  layer: Layer,
  network: Network,
  channels: number,
  size: readonly [number, number],
): BatchKernel | null {
  if (layer.op === "product") {
    const tile = chooseTile(layer.node, network, size);
    const tensor = network.weights.get(layer.node.weight)!;
    const [outputs = 0, inputs = 0] = tensor.shape;
    const weights =
      tile === null ? packDirect(layer.node, network) : packWinograd(tensor, tile, { block: BATCH_BLOCK, inputs });
    return { weights, tile, ...packVectors(layer.node.bias, layer.activation, network, outputs) };
  }
  if (layer.op === "depthwise") {
    const { data } = network.weights.get(layer.node.weight)!;
    return { weights: data, tile: null, ...packVectors(layer.node.bias, layer.activation, network, channels) };
  }
  if (layer.op !== "combine") return null;
  return { weights: new Float32Array(), tile: null, ...packVectors(undefined, layer.activation, network, channels) };
}

/** `[outputs / 6][input][tap][6]`. */
function packDirect(node: NodeOf<"conv" | "dense">, network: Network): Float32Array {
  const { shape, data } = network.weights.get(node.weight)!;
  const outputs = shape[0]!;
  const rest = data.length / outputs;
  const packed = new Float32Array(Math.ceil(outputs / BATCH_BLOCK) * BATCH_BLOCK * rest);
  for (let o = 0; o < outputs; o++) {
    const start = Math.floor(o / BATCH_BLOCK) * rest * BATCH_BLOCK + (o % BATCH_BLOCK);
    for (let i = 0; i < rest; i++) packed[start + i * BATCH_BLOCK] = data[o * rest + i]!;
  }
  return packed;
}

function packVectors(
  bias: string | undefined,
  { slope }: Activation,
  network: Network,
  outputs: number,
): Pick<BatchKernel, "bias" | "slopes"> {
  const length = Math.ceil(outputs / BATCH_BLOCK) * BATCH_BLOCK;
  const packed = { bias: new Float32Array(length), slopes: new Float32Array(length) };
  if (bias !== undefined) packed.bias.set(network.weights.get(bias)!.data);
  if (typeof slope === "number") packed.slopes.fill(slope);
  else if (slope !== null) packed.slopes.set(network.weights.get(slope)!.data);
  return packed;
}
