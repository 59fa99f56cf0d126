/** A plan for pictures of one size: every buffer, and the steps that assembly/index.ts runs. */

import type { Network } from "../../model/graph/check-graph.ts";
import type { NodeOf } from "../../model/graph/graph.ts";
import { inferShapes, resolvePadding } from "../../model/graph/shapes.ts";
import type { Layer, LayerOf } from "./layers.ts";
import { listMoves, listResize } from "./moves.ts";
import { cutProduct, OPERATIONS, STEP } from "./picture-words.ts";
import { listSample, listTaps, placePicture, shapeOf, stridesOf, type Place } from "./picture-places.ts";
import { cutStrips } from "./picture-strips.ts";
import type { KernelSize, LayerSize } from "./picture-weights.ts";
import { planWinograd } from "./picture-winograd.ts";
import { planBands, type BandedLayer } from "./picture-bands.ts";
import { createArena, FLOAT, LANES, measureBorder, measureReach, padLanes, type Arena } from "./places.ts";

/** Where a step keeps the words of a depthwise convolution. */
const DEPTHWISE_WORDS = 20;

/** Addresses of one kernel's numbers. */
export interface PlacedKernel extends KernelSize {
  readonly weightsAt: number;
  readonly biasAt: number;
  readonly slopesAt: number;
}

/** A layer and where its numbers lie. */
export interface PlacedLayer {
  readonly layer: Layer;
  readonly main: PlacedKernel | null;
  readonly depthwise: PlacedKernel | null;
}

/** Places the numbers of a layer. */
export function placeLayer(layer: Layer, size: LayerSize | null, arena: Arena): PlacedLayer {
  const put = (kernel: KernelSize | null | undefined): PlacedKernel | null => {
    if (kernel === null || kernel === undefined) return null;
    const [weightsAt, biasAt, slopesAt] = [kernel.weights, kernel.bias, kernel.slopes].map((numbers) =>
      arena.take(numbers * FLOAT),
    );
    return { ...kernel, weightsAt: weightsAt!, biasAt: biasAt!, slopesAt: slopesAt! };
  };
  return { layer, main: put(size?.main), depthwise: put(size?.depthwise) };
}

/** Buffers and steps for one size. */
export interface PicturePlan {
  /** Steps and offsets, from `start`. */
  readonly words: Int32Array<ArrayBuffer>;
  readonly steps: number;
  readonly start: number;
  /** First byte behind everything that the plan uses. */
  readonly end: number;
  /** Address and bytes in turn of what must be zero before the first run. */
  readonly zeros: readonly number[];
  readonly input: Place;
  readonly outputs: ReadonlyMap<string, Place>;
}

/**
 * Plans one size.
 * @param start first byte behind the weights
 * @throws ScoringError `model_invalid` if the network does not take that size
 */
export function planPicture(
  network: Network,
  layers: readonly PlacedLayer[],
  height: number,
  width: number,
  start: number,
): PicturePlan {
  const shapes = inferShapes(network.graph, network.weights, height, width);
  const arena = createArena(start);
  const { places, zeros } = placePicture(
    network,
    layers.map(({ layer }) => layer),
    shapes,
    arena,
  );
  const tables: number[] = [];
  const tablesAt: { step: number; word: number; table: number }[] = [];
  const steps: number[][] = [];
  /** What the order of steps needs to know, by step. */
  const banded: (BandedLayer | null)[] = [];

  /** Notes offsets that the step's word `word` (the operation not counted) points to; they get their address when all steps are known. */
  const point = (word: number, offsets: readonly number[]): void => {
    tablesAt.push({ step: steps.length, word, table: tables.length });
    for (const offset of offsets) tables.push(offset);
  };

  const depthwiseWords = (node: NodeOf<"conv">, kernel: PlacedKernel, kind: number, from: Place): number[] => {
    const [, , tall = 1, wide = 1] = network.weights.get(node.weight)!.shape;
    const [top, left] = measureBorder(node, network, shapeOf(from));
    const plain = tall === 3 && wide === 3 && node.dilation.every((d) => d === 1) && node.stride[1] <= 2;
    if (!plain) point(DEPTHWISE_WORDS + 7, listTaps(node, tall, wide, from));
    return [
      from.address - top * from.row - left * from.pitch,
      from.row,
      node.stride[0] * from.row,
      from.pitch,
      node.stride[1],
      padLanes(from.channels) / LANES,
      kernel.weightsAt,
      kernel.biasAt,
      0,
      plain ? 0 : tall * wide,
      kind,
      kernel.slopesAt,
    ];
  };

  const planProduct = (layer: LayerOf<"product">, main: PlacedKernel, depthwise: PlacedKernel | null): number[] => {
    const from = places.get(layer.input)!;
    const to = places.get(layer.output)!;
    const residual = layer.residual === null ? null : places.get(layer.residual)!;
    const { node } = layer;
    const { rows: stripRows, columns: stripColumns } = cutStrips(to.height, to.width);
    const inner = padLanes(from.channels) * FLOAT;
    let corner = from.address;
    let segments = [0];
    let [rowStep, columnStep] = [from.row, from.pitch];
    if (depthwise !== null) [rowStep, columnStep] = [stripColumns * inner, inner];
    else if (node.op === "conv") {
      const [, , tall = 1, wide = 1] = network.weights.get(node.weight)!.shape;
      const [top, left] = measureBorder(node, network, shapeOf(from));
      corner -= top * from.row + left * from.pitch;
      segments = listTaps(node, tall, main.segments === tall ? 1 : wide, from);
      [rowStep, columnStep] = [node.stride[0] * from.row, node.stride[1] * from.pitch];
    }
    point(2, segments);
    point(
      10,
      Array.from({ length: stripRows * stripColumns }, (_, i) => [
        Math.floor(i / stripColumns),
        i % stripColumns,
      ]).flatMap(([r = 0, c = 0]) => [
        r * rowStep + c * columnStep,
        r * to.row + c * to.pitch,
        residual === null ? 0 : r * residual.row + c * residual.pitch,
      ]),
    );
    const words = [
      corner,
      rowStep,
      0,
      main.segments,
      main.run,
      main.weightsAt,
      main.biasAt,
      padLanes(to.channels) / LANES,
      to.address,
      to.row,
      0,
      to.width,
      stripRows,
      to.height,
      residual?.address ?? 0,
      residual?.row ?? 0,
      layer.activation.kind,
      main.slopesAt,
    ];
    const pitches = [stripColumns, columnStep, to.pitch, residual?.pitch ?? 0];
    if (depthwise === null) return [...words, 0, ...Array<number>(12).fill(0), ...pitches];
    const before = layer.depthwise!;
    const scratch = arena.take(stripRows * stripColumns * inner);
    return [...words, scratch, ...depthwiseWords(before.node, depthwise, before.activation.kind, from), ...pitches];
  };

  const planTiles = (layer: LayerOf<"product">, main: PlacedKernel): number[] => {
    const [from, to] = [places.get(layer.input)!, places.get(layer.output)!];
    const residual = layer.residual === null ? null : places.get(layer.residual)!;
    const [top, left] = layer.node.op === "conv" ? measureBorder(layer.node, network, shapeOf(from)) : [0, 0];
    const corner = from.address - top * from.row - left * from.pitch;
    return planWinograd(layer, main, { from, to, residual }, corner, arena, point);
  };

  const planPool = ({ node, input, output }: LayerOf<"pool">): number[] => {
    const from = places.get(input)!;
    const to = places.get(output)!;
    const all = [from.height, from.width] as const;
    const { size, stride, padding } =
      node.op === "globalAveragePool" ? { size: all, stride: all, padding: [0, 0, 0, 0] as const } : node;
    const [top, left] = resolvePadding(padding === "same" ? padding : [...padding], all, size, stride);
    const source = [from.address, from.row, from.pitch, ...all, top, left, ...size, ...stride];
    return [...source, to.address, to.row, to.pitch, to.height, to.width, padLanes(to.channels) / LANES];
  };

  const add = (operation: number, words: readonly number[]): void => {
    banded[steps.length] ??= null;
    steps.push([operation, ...words]);
  };

  const describeBand = ({ node, input, output, depthwise, residual }: LayerOf<"product">, to: Place): BandedLayer => {
    const window = depthwise?.node ?? (node.op === "conv" ? node : null);
    const common = { input, output, residual, rows: to.height, rowBytes: to.row };
    if (window === null) return { ...common, aligned: false, above: 0, below: 0 };
    const [top] = measureBorder(window, network, shapes.get(input)!);
    return {
      ...common,
      aligned: window.stride[0] === 1,
      above: top,
      below: measureReach(window, network)[0] - 1 - top,
    };
  };

  for (const { layer, main, depthwise } of layers) {
    const to = places.get(layer.output)!;
    switch (layer.op) {
      case "product":
        if (main!.winograd) {
          add(OPERATIONS.winograd, planTiles(layer, main!));
          break;
        }
        banded[steps.length] = describeBand(layer, to);
        add(OPERATIONS.product, planProduct(layer, main!, depthwise));
        break;
      case "depthwise": {
        const words = depthwiseWords(layer.node, main!, layer.activation.kind, places.get(layer.input)!);
        const target = [to.address, to.row, to.pitch, to.height, to.width];
        add(OPERATIONS.depthwise, [...target, ...Array<number>(DEPTHWISE_WORDS - 1 - target.length).fill(0), ...words]);
        break;
      }
      case "combine": {
        const [a, b] = layer.inputs.map((name) => places.get(name)!);
        const operands = [a!.address, a!.row, b?.address ?? 0, b?.row ?? 0, to.address, to.row];
        const counts = [to.height, to.width, padLanes(to.channels) / LANES];
        const isGate = layer.node.op === "gate";
        // A gate's one pixel is for all.
        if (isGate) operands[3] = 0;
        const kind = [layer.activation.kind, main!.slopesAt, isGate ? 0 : LANES * FLOAT];
        add(layer.multiply ? OPERATIONS.multiply : OPERATIONS.add, [...operands, ...counts, ...kind]);
        break;
      }
      case "pool":
        add(layer.node.op === "maxPool" ? OPERATIONS.maxPool : OPERATIONS.averagePool, planPool(layer));
        break;
      case "copy":
        for (const [i, name] of layer.inputs.entries()) {
          const from = places.get(name)!;
          const before = layer.inputs.slice(0, i).reduce((sum, other) => sum + places.get(other)!.channels, 0);
          const [top, left] = layer.node.op === "pad" ? layer.node.sides : [0, 0];
          const channel = layer.node.op === "pad" ? layer.node.channels[0] : before;
          const target = to.address + top * to.row + left * to.pitch + channel * FLOAT;
          const source = [from.address, from.row, from.pitch];
          add(OPERATIONS.copy, [...source, target, to.row, to.pitch, from.height, from.width, from.channels * FLOAT]);
        }
        break;
      case "flatten": {
        const from = places.get(layer.input)!;
        const target = [from.height * from.width * FLOAT, from.width * FLOAT, FLOAT];
        const counts = [from.channels, from.height, from.width];
        add(OPERATIONS.move, [from.address, FLOAT, from.row, from.pitch, to.address, ...target, ...counts]);
        break;
      }
      case "move": {
        const from = places.get(layer.input)!;
        const counts = [to.channels, to.height, to.width] as const;
        const { skip, source, target } = listMoves(layer.node, stridesOf(from), stridesOf(to), counts);
        add(OPERATIONS.move, [from.address + skip, ...source, to.address, ...target, ...counts]);
        break;
      }
      case "resize": {
        const from = places.get(layer.input)!;
        point(7, listResize(layer.node, "rows", from.height, from.row));
        point(8, listResize(layer.node, "columns", from.width, from.pitch));
        const target = [to.address, to.row, to.pitch, padLanes(to.channels) / LANES, to.height, to.width];
        add(OPERATIONS.resize, [from.address, ...target, 0, 0]);
        break;
      }
      case "sample":
        add(OPERATIONS.sample, listSample(layer, places));
        break;
      case "softmax":
        add(OPERATIONS.softmax, [places.get(layer.input)!.address, to.address, to.channels]);
        break;
    }
  }

  const parts = planBands(banded);
  const words = new Int32Array(parts.length * STEP + tables.length);
  const wordsAt = arena.take(words.byteLength);
  for (const { step, word, table } of tablesAt) {
    steps[step]![word + 1] = wordsAt + (parts.length * STEP + table) * Int32Array.BYTES_PER_ELEMENT;
  }
  parts.forEach(({ step, from, end }, i) => {
    words.set(end === null ? steps[step]! : cutProduct(steps[step]!, from, end), i * STEP);
  });
  words.set(tables, parts.length * STEP);
  return {
    words,
    steps: parts.length,
    start: wordsAt,
    end: arena.end(),
    zeros,
    input: places.get(network.graph.input.name)!,
    outputs: new Map(Object.entries(network.graph.outputs).map(([outside, name]) => [outside, places.get(name)!])),
  };
}
