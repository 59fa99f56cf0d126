/** A plan for batches of faces of one size: every buffer, and the steps that assembly/index.ts runs. */

import type { Network } from "../../model/graph/check-graph.ts";
import { resolvePadding, type ValueShape } from "../../model/graph/shapes.ts";
import { BATCH_BLOCK, type BatchKernelSize } from "./batch-weights.ts";
import { listStarts, listTaps, OPERATIONS, roundEven, spread, VECTOR } from "./batch-words.ts";
import type { Layer, LayerOf } from "./layers.ts";
import { listMoves, listResize } from "./moves.ts";
import { asPixels, FLOAT, measureBorder, placeValues, type Arena } from "./places.ts";
import type { TileSide } from "./winograd-packing.ts";

/** Words of a step: assembly/words.ts. */
const STEP = 40;
/** Bytes of points and products of one chunk of Winograd tiles, so that they stay in the second cache. */
const CHUNK_BYTES = 2 * 2 ** 20;

/** A value in memory; a vector is a map of one pixel. */
export interface BatchPlace {
  /** Of the first group's first channel's first pixel, behind the border. */
  readonly address: number;
  /** Bytes from group to group, from channel to channel, from row to row. */
  readonly group: number;
  readonly plane: number;
  readonly row: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** A layer and where its numbers lie. */
export interface PlacedBatchLayer {
  readonly layer: Layer;
  readonly tile: TileSide | null;
  readonly weightsAt: number;
  readonly biasAt: number;
  readonly slopesAt: number;
}

/** Places a layer's numbers. */
export function placeBatchLayer(layer: Layer, kernel: BatchKernelSize | null, arena: Arena): PlacedBatchLayer {
  const put = (numbers = 0): number => arena.take(numbers * FLOAT);
  const [weightsAt, biasAt, slopesAt] = [put(kernel?.weights), put(kernel?.bias), put(kernel?.slopes)];
  return { layer, tile: kernel?.tile ?? null, weightsAt, biasAt, slopesAt };
}

/** Addresses of a batch's bytes, one face behind another, and of as many scales and offsets as channels. */
export interface BatchInput {
  readonly bytesAt: number;
  readonly scalesAt: number;
  readonly offsetsAt: number;
}

/** Buffers and steps. */
export interface BatchPlan {
  /** Steps and offsets, from `start`. */
  readonly words: Int32Array<ArrayBuffer>;
  readonly steps: number;
  readonly start: number;
  readonly outputs: ReadonlyMap<string, BatchPlace>;
}

/**
 * Plans batches of up to `groups` groups of four faces.
 * @param shapes of all values
 */
export function planBatch(
  network: Network,
  layers: readonly PlacedBatchLayer[],
  shapes: ReadonlyMap<string, ValueShape>,
  input: BatchInput,
  groups: number,
  arena: Arena,
): BatchPlan {
  const places = placeValues<BatchPlace>(
    network,
    layers.map(({ layer }) => layer),
    shapes,
    arena,
    (_name, shape, border) => {
      const [channels, height, width] = asPixels(shape);
      const [top, left, bottom, right] = border;
      const row = (width + left + right) * VECTOR;
      const plane = (height + top + bottom) * row;
      const group = channels * plane;
      const address = (start: number): number => start + top * row + left * VECTOR;
      return {
        bytes: groups * group,
        key: [channels, height, width, top, left, bottom, right].join(),
        at: (start) => ({ address: address(start), group, plane, row, channels, height, width }),
      };
    },
  );
  const tables: number[] = [];
  const pointers: { step: number; word: number; table: number }[] = [];
  const steps: number[][] = [];
  /** Points and products of all Winograd layers lie in one place, one layer's at a time. */
  let scratchBytes = 0;
  const scratchWords: number[] = [];
  const point = (word: number, offsets: readonly number[]): void => {
    pointers.push({ step: steps.length, word, table: tables.length });
    for (const offset of offsets) tables.push(offset);
  };
  const add = (operation: keyof typeof OPERATIONS, words: readonly number[]): void => {
    steps.push([OPERATIONS[operation], ...words]);
  };
  const corner = (from: BatchPlace, [top = 0, left = 0]: readonly number[]): number =>
    from.address - top * from.row - left * VECTOR;
  const maps = (place: BatchPlace): number[] => [place.address, place.group, place.plane, place.row];
  const none = [0, 0, 0, 0];

  /** Offsets of windows in the source, the target and the residual, where windows begin at `rows` × `columns`. */
  const listPositions = (
    [rows, columns]: readonly [readonly number[], readonly number[]],
    stride: readonly [number, number],
    from: BatchPlace,
    to: BatchPlace,
    residual: BatchPlace | null,
  ): number[] =>
    rows.flatMap((y) =>
      columns.flatMap((x) => [
        y * stride[0] * from.row + x * stride[1] * VECTOR,
        y * to.row + x * VECTOR,
        residual === null ? 0 : y * residual.row + x * VECTOR,
      ]),
    );

  const planProduct = ({
    layer,
    tile,
    weightsAt,
    biasAt,
    slopesAt,
  }: PlacedBatchLayer & { layer: LayerOf<"product"> }): void => {
    const { node } = layer;
    const from = places.get(layer.input)!;
    const to = places.get(layer.output)!;
    const residual = layer.residual === null ? null : places.get(layer.residual)!;
    const window = node.op === "dense" ? null : node;
    const border = window === null ? [0, 0] : measureBorder(window, network, shapes.get(layer.input)!);
    const stride = window?.stride ?? [1, 1];
    const kept = residual === null ? none : maps(residual);
    const grid = [listStarts(to.height, tile ?? 1), listStarts(to.width, tile ?? 1)] as const;
    const positions = listPositions(grid, stride, from, to, residual);
    const count = grid[0].length * grid[1].length;
    if (tile === null) {
      const [, , tall = 1, wide = 1] = network.weights.get(node.weight)!.shape;
      const [down, right] = window?.dilation ?? [1, 1];
      const taps = listTaps([tall, wide], [down * from.row, right * VECTOR]);
      point(4, taps);
      point(12, positions);
      const source = [corner(from, border), from.group, from.plane, from.channels, 0, taps.length, weightsAt, biasAt];
      const target = [to.channels, to.address, to.group, to.plane, 0, count];
      add("direct", [...source, ...target, ...kept.slice(0, 3), layer.activation.kind, slopesAt]);
      return;
    }
    point(12, positions);
    const padded = Math.ceil(to.channels / BATCH_BLOCK) * BATCH_BLOCK;
    const points = (tile + 2) ** 2;
    const bytes = points * (from.channels + padded) * VECTOR;
    const chunk = Math.min(roundEven(count * groups), roundEven(CHUNK_BYTES / bytes));
    const values = points * spread(from.channels * chunk * VECTOR);
    const scratch = [0, values];
    scratchBytes = Math.max(scratchBytes, values + points * spread(padded * chunk * VECTOR));
    scratchWords.push(steps.length * STEP + 22, steps.length * STEP + 23);
    const source = [corner(from, border), from.group, from.plane, from.row, from.channels, weightsAt, biasAt];
    const target = [to.channels, ...maps(to), 0, count, ...kept];
    add("winograd", [...source, ...target, layer.activation.kind, slopesAt, tile, ...scratch, chunk]);
  };

  const planDepthwise = ({
    layer,
    weightsAt,
    biasAt,
    slopesAt,
  }: PlacedBatchLayer & { layer: LayerOf<"depthwise"> }): void => {
    const { node } = layer;
    const from = places.get(layer.input)!;
    const to = places.get(layer.output)!;
    const [, , tall = 1, wide = 1] = network.weights.get(node.weight)!.shape;
    const taps = listTaps([tall, wide], [node.dilation[0] * from.row, node.dilation[1] * VECTOR]);
    const rows = Array.from({ length: to.height }, (_, y) => y);
    const columns = Array.from({ length: to.width }, (_, x) => x);
    point(4, taps);
    point(11, listPositions([rows, columns], node.stride, from, to, null));
    const border = measureBorder(node, network, shapes.get(layer.input)!);
    const source = [corner(from, border), from.group, from.plane, from.channels, 0, taps.length, weightsAt, biasAt];
    const target = [to.address, to.group, to.plane, 0, to.height * to.width];
    add("depthwise", [...source, ...target, layer.activation.kind, slopesAt]);
  };

  const planPool = ({ node, input, output }: LayerOf<"pool">): void => {
    const from = places.get(input)!;
    const to = places.get(output)!;
    const all = [from.height, from.width] as const;
    const { size, stride, padding } =
      node.op === "globalAveragePool" ? { size: all, stride: all, padding: "same" as const } : node;
    const [top, left] = resolvePadding(padding, all, size, stride);
    const windows = [...all, top, left, ...size, ...stride];
    const operation = node.op === "maxPool" ? "maxPool" : "averagePool";
    add(operation, [...maps(from), ...windows, ...maps(to), to.height, to.width, to.channels]);
  };

  const planCopy = (from: BatchPlace, to: readonly number[]): void => {
    add("copy", [...maps(from), ...to, from.channels, from.height, from.width]);
  };

  const first = places.get(network.graph.input.name)!;
  const faceBytes = first.channels * first.height * first.width;
  const sizes = [first.channels, first.height, first.width];
  add("unpack", [input.bytesAt, faceBytes, ...maps(first), ...sizes, input.scalesAt, input.offsetsAt]);

  for (const placed of layers) {
    const { layer } = placed;
    const to = places.get(layer.output)!;
    switch (layer.op) {
      case "product":
        planProduct({ ...placed, layer });
        break;
      case "depthwise":
        planDepthwise({ ...placed, layer });
        break;
      case "combine": {
        const [a, b] = layer.inputs.map((name) => places.get(name)!);
        const operands = [...maps(a!), ...(b === undefined ? none : maps(b)), ...maps(to)];
        const counts = [to.channels, to.height, to.width];
        const isGate = layer.node.op === "gate";
        // A gate's one pixel is for all.
        if (isGate) operands[7] = 0;
        const kind = [layer.activation.kind, placed.slopesAt, isGate ? 0 : VECTOR];
        add(layer.multiply ? "multiply" : "add", [...operands, ...counts, ...kind]);
        break;
      }
      case "pool":
        planPool(layer);
        break;
      case "copy": {
        let channel = layer.node.op === "pad" ? layer.node.channels[0] : 0;
        const [top, left] = layer.node.op === "pad" ? layer.node.sides : [0, 0];
        for (const name of layer.inputs) {
          const from = places.get(name)!;
          const address = to.address + channel * to.plane + top * to.row + left * VECTOR;
          planCopy(from, [address, to.group, to.plane, to.row]);
          channel += from.channels;
        }
        break;
      }
      case "flatten": {
        const from = places.get(layer.input)!;
        planCopy(from, [to.address, to.group, from.height * from.width * VECTOR, from.width * VECTOR]);
        break;
      }
      case "move": {
        const from = places.get(layer.input)!;
        const counts = [to.channels, to.height, to.width] as const;
        const { skip, source, target } = listMoves(layer.node, stridesOf(from), stridesOf(to), counts);
        add("move", [from.address + skip, from.group, ...source, to.address, to.group, ...target, ...counts]);
        break;
      }
      case "resize": {
        const from = places.get(layer.input)!;
        point(10, listResize(layer.node, "rows", from.height, from.row));
        point(11, listResize(layer.node, "columns", from.width, VECTOR));
        const target = [to.address, to.group, to.plane, to.row, to.channels, to.height, to.width];
        add("resize", [from.address, from.group, from.plane, ...target, 0, 0]);
        break;
      }
      case "sample": {
        const [from, theta] = layer.inputs.map((name) => places.get(name)!);
        const source = [...maps(from!), to.height, to.width, theta!.address, theta!.group, theta!.plane];
        add("sample", [...source, ...maps(to), to.channels, layer.node.corners === "aligned" ? 1 : 0]);
        break;
      }
      case "softmax": {
        const from = places.get(layer.input)!;
        add("softmax", [from.address, from.group, to.address, to.group, to.channels]);
        break;
      }
    }
  }

  const words = new Int32Array(steps.length * STEP + tables.length);
  const start = arena.take(words.byteLength);
  steps.forEach((step, i) => words.set(step, i * STEP));
  words.set(tables, steps.length * STEP);
  for (const { step, word, table } of pointers) {
    words[step * STEP + word + 1] = start + (steps.length * STEP + table) * Int32Array.BYTES_PER_ELEMENT;
  }
  const scratch = arena.take(scratchBytes);
  for (const word of scratchWords) words[word]! += scratch;
  const outputs = Object.entries(network.graph.outputs).map(([outside, name]) => [outside, places.get(name)!] as const);
  return { words, steps: steps.length, start, outputs: new Map(outputs) };
}

function stridesOf({ plane, row }: BatchPlace): readonly [number, number, number] {
  return [plane, row, VECTOR];
}
