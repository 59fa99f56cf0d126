/** Weights as the kernels of one picture read them; packed once, whatever the picture's size. */

import type { Network } from "../../model/graph/check-graph.ts";
import type { NodeOf } from "../../model/graph/graph.ts";
import type { Tensor } from "../../model/tensor.ts";
import type { Activation, Layer, LayerOf } from "./layers.ts";
import { POINTS, usesWinograd } from "./picture-winograd.ts";
import { LANES, padLanes } from "./places.ts";
import { packWinograd } from "./winograd-packing.ts";

/** Outputs of a block: assembly/product.ts. */
const BLOCK = 8;

/** Weights, bias and slopes of one convolution, each padded with zeros. */
export interface PackedKernel {
  readonly weights: Float32Array;
  readonly bias: Float32Array;
  readonly slopes: Float32Array;
  /** Of a product: inputs are read in so many runs a position … */
  readonly segments: number;
  /** … of so many floats. */
  readonly run: number;
  /** Whether they are those of Winograd's points. */
  readonly winograd: boolean;
}

/** How many numbers a kernel has, and how a product reads its input. */
export interface KernelSize extends Pick<PackedKernel, "segments" | "run" | "winograd"> {
  readonly weights: number;
  readonly bias: number;
  readonly slopes: number;
}

/** Sizes of what {@link packLayer} makes. */
export interface LayerSize {
  readonly main: KernelSize;
  readonly depthwise: KernelSize | null;
}

/** What a layer brings along; `null` for layers without weights. */
export interface PackedLayer {
  readonly main: PackedKernel;
  /** Of the depthwise convolution that a product took in. */
  readonly depthwise: PackedKernel | null;
}

/** What a layer reads and writes at the smallest size of picture. */
export interface LayerForm {
  /** Of the input. */
  readonly channels: number;
  /** Floats from pixel to pixel of the input. */
  readonly pitch: number;
  /** Rows and columns of the output. */
  readonly size: readonly [height: number, width: number];
}

/** Packs one layer. */
export function packLayer(layer: Layer, network: Network, { channels, pitch, size }: LayerForm): PackedLayer | null {
  switch (layer.op) {
    case "product": {
      const depthwise = layer.depthwise && packDepthwise(layer.depthwise.node, layer.depthwise.activation, network);
      const inner = layer.depthwise === null ? pitch : padLanes(channels);
      const winograd = usesWinograd(layer, network, inner, size);
      return { main: packProduct(layer, network, inner, winograd), depthwise };
    }
    case "depthwise":
      return { main: packDepthwise(layer.node, layer.activation, network), depthwise: null };
    case "combine": {
      const slopes = packSlopes(layer.activation, network, channels, LANES);
      const main = {
        weights: new Float32Array(),
        bias: new Float32Array(),
        slopes,
        segments: 0,
        run: 0,
        winograd: false,
      };
      return { main, depthwise: null };
    }
    default:
      return null;
  }
}

/** The size of what {@link packLayer} makes, from the shapes of the weights alone. */
export function sizeLayer(layer: Layer, network: Network, { channels, pitch, size }: LayerForm): LayerSize | null {
  switch (layer.op) {
    case "product": {
      const depthwise = layer.depthwise && sizeDepthwise(layer.depthwise.node, layer.depthwise.activation, network);
      const inner = layer.depthwise === null ? pitch : padLanes(channels);
      const winograd = usesWinograd(layer, network, inner, size);
      return { main: sizeProduct(layer, network, inner, winograd), depthwise };
    }
    case "depthwise":
      return { main: sizeDepthwise(layer.node, layer.activation, network), depthwise: null };
    case "combine":
      return {
        main: {
          weights: 0,
          bias: 0,
          slopes: sizeSlopes(layer.activation, padLanes(channels)),
          segments: 0,
          run: 0,
          winograd: false,
        },
        depthwise: null,
      };
    default:
      return null;
  }
}

const sizeSlopes = ({ slope }: Activation, padded: number): number => (slope === null ? 0 : padded);

function sizeProduct(
  { node, activation }: LayerOf<"product">,
  network: Network,
  pitch: number,
  winograd: boolean,
): KernelSize {
  const [outputs = 0, , tall = 1, wide = 1] = network.weights.get(node.weight)!.shape;
  const padded = Math.ceil(outputs / BLOCK) * BLOCK;
  const together = node.op === "dense" || node.dilation[1] === 1;
  return {
    weights: padded * pitch * (winograd ? POINTS : tall * wide),
    bias: padded,
    slopes: sizeSlopes(activation, padded),
    segments: together ? tall : tall * wide,
    run: together ? wide * pitch : pitch,
    winograd,
  };
}

function sizeDepthwise(node: NodeOf<"conv">, activation: Activation, network: Network): KernelSize {
  const [channels = 0, , tall = 0, wide = 0] = network.weights.get(node.weight)!.shape;
  const padded = padLanes(channels);
  return {
    weights: padded * tall * wide,
    bias: padded,
    slopes: sizeSlopes(activation, padded),
    segments: tall * wide,
    run: 1,
    winograd: false,
  };
}

/** Weights of taps, or of points: `[point][outputs / 8][pitch][8]`. */
function packProduct(
  { node, activation }: LayerOf<"product">,
  network: Network,
  pitch: number,
  winograd: boolean,
): PackedKernel {
  const tensor = readTensor(network, node.weight);
  const { shape } = tensor;
  const [outputs = 0, , tall = 1, wide = 1] = shape;
  const together = node.op === "dense" || node.dilation[1] === 1;
  return {
    weights: winograd ? packWinograd(tensor, 4, { block: BLOCK, inputs: pitch }) : packTaps(tensor, pitch),
    bias: packBias(node.bias, network, outputs, BLOCK),
    slopes: packSlopes(activation, network, outputs, BLOCK),
    segments: together ? tall : tall * wide,
    run: together ? wide * pitch : pitch,
    winograd,
  };
}

/** `[outputs / 8][rows][columns × pitch][8]`, or `[outputs / 8][rows × columns][pitch][8]` where taps lie apart. */
function packTaps({ shape, data }: Tensor, pitch: number): Float32Array {
  const [outputs = 0, inputs = 0, tall = 1, wide = 1] = shape;
  const size = tall * wide * pitch;
  const weights = new Float32Array(Math.ceil(outputs / BLOCK) * size * BLOCK);
  for (let o = 0; o < outputs; o++) {
    const block = Math.floor(o / BLOCK) * size * BLOCK + (o % BLOCK);
    for (let i = 0; i < inputs; i++) {
      for (let tap = 0; tap < tall * wide; tap++) {
        weights[block + (tap * pitch + i) * BLOCK] = data[(o * inputs + i) * tall * wide + tap]!;
      }
    }
  }
  return weights;
}

/** `[channels / 4][taps][4]`. */
function packDepthwise(node: NodeOf<"conv">, activation: Activation, network: Network): PackedKernel {
  const { shape, data } = network.weights.get(node.weight)!;
  const [channels = 0, , tall = 0, wide = 0] = shape;
  const taps = tall * wide;
  const weights = new Float32Array(padLanes(channels) * taps);
  for (let k = 0; k < channels; k++) {
    for (let tap = 0; tap < taps; tap++) {
      weights[(Math.floor(k / LANES) * taps + tap) * LANES + (k % LANES)] = data[k * taps + tap]!;
    }
  }
  return {
    weights,
    bias: packBias(node.bias, network, channels, LANES),
    slopes: packSlopes(activation, network, channels, LANES),
    segments: taps,
    run: 1,
    winograd: false,
  };
}

function packBias(name: string | undefined, network: Network, outputs: number, multiple: number): Float32Array {
  const padded = new Float32Array(Math.ceil(outputs / multiple) * multiple);
  if (name !== undefined) padded.set(readTensor(network, name).data);
  return padded;
}

/** Empty where the activation has none. */
function packSlopes({ slope }: Activation, network: Network, channels: number, multiple: number): Float32Array {
  if (slope === null) return new Float32Array();
  const padded = new Float32Array(Math.ceil(channels / multiple) * multiple);
  if (typeof slope === "number") padded.fill(slope);
  else padded.set(readTensor(network, slope).data);
  return padded;
}

function readTensor(network: Network, name: string): Tensor {
  return network.weights.get(name)!;
}
