/** Which convolutions of a picture are Winograd's, F(4×4, 3×3), and their steps: assembly/winograd.ts. */

import type { Network } from "../../model/graph/check-graph.ts";
import { spread } from "./batch-words.ts";
import type { Layer, LayerOf } from "./layers.ts";
import type { Place } from "./picture-places.ts";
import { FLOAT, LANES, padLanes, type Arena } from "./places.ts";

/** Side of a tile. */
const SIDE = 4;
/** Points of a tile. */
export const POINTS = (SIDE + 2) ** 2;
/** Channels on either side from which the transforms pay. */
const MIN_CHANNELS = 16;
/** Inputs times outputs of 36 weights each, at most: 2.25 MiB. */
const MAX_WEIGHTS = 2 ** 14;
/** A map is worth it whose tiles have at most this share of the multiplications of the definition. */
const MAX_SHARE = 0.6;
/** Bytes of the points and products of a chunk's tiles, so that they stay in the second cache. */
const CHUNK_BYTES = 384 * 1024;
/** Positions of a product's tile. */
const POSITIONS = 6;

/**
 * Whether a layer runs so, at every size of picture.
 * @param pitch floats from pixel to pixel of the input
 * @param size rows and columns of the output of the smallest picture
 */
export function usesWinograd(
  layer: Layer,
  network: Network,
  pitch: number,
  [height, width]: readonly [height: number, width: number],
): boolean {
  if (layer.op !== "product" || layer.node.op !== "conv") return false;
  const { groups, stride, dilation, weight } = layer.node;
  const [outputs = 0, inputs = 0, tall, wide] = network.weights.get(weight)!.shape;
  const isSquare = groups === 1 && tall === 3 && wide === 3 && [...stride, ...dilation].every((step) => step === 1);
  if (!isSquare || pitch % LANES !== 0 || Math.min(height, width) < SIDE) return false;
  if (Math.min(inputs, outputs) < MIN_CHANNELS || inputs * outputs > MAX_WEIGHTS) return false;
  return countTiles(height) * countTiles(width) * POINTS <= MAX_SHARE * 9 * height * width;
}

const countTiles = (length: number): number => Math.ceil(length / SIDE);

/** Where tiles begin: the last ends with the map. */
const listTiles = (length: number): number[] =>
  Array.from({ length: countTiles(length) }, (_, i) => Math.min(i * SIDE, length - SIDE));

/**
 * Words of a step.
 * @param at addresses of weights, bias and slopes, and the floats of all weights
 * @param corner of the first window in the input
 * @param point notes offsets that a word points to, the operation not counted
 */
export function planWinograd(
  layer: LayerOf<"product">,
  at: { readonly weights: number; readonly weightsAt: number; readonly biasAt: number; readonly slopesAt: number },
  places: { readonly from: Place; readonly to: Place; readonly residual: Place | null },
  corner: number,
  arena: Arena,
  point: (word: number, offsets: readonly number[]) => void,
): number[] {
  const { from, to, residual } = places;
  const tiles = listTiles(to.height).flatMap((y) =>
    listTiles(to.width).flatMap((x) => [
      y * from.row + x * from.pitch,
      y * to.row + x * to.pitch,
      residual === null ? 0 : y * residual.row + x * residual.pitch,
    ]),
  );
  const count = tiles.length / 3;
  const inputs = from.pitch;
  const outputs = padLanes(to.channels) * FLOAT;
  const fitting = Math.floor(CHUNK_BYTES / (POINTS * (inputs + outputs)) / POSITIONS) * POSITIONS;
  const chunk = Math.min(count, Math.max(POSITIONS, fitting));
  const [pointIn, pointOut] = [spread(chunk * inputs), spread(chunk * outputs)];
  point(16, tiles);
  point(23, Array.from({ length: chunk }, (_, i) => [i * inputs, i * outputs, 0]).flat());
  point(24, Array<number>(padLanes(to.channels) + LANES).fill(0));
  return [
    corner,
    from.row,
    from.pitch,
    inputs / FLOAT,
    at.weightsAt,
    at.weights / POINTS,
    at.biasAt,
    padLanes(to.channels) / LANES,
    to.address,
    to.row,
    to.pitch,
    residual?.address ?? 0,
    residual?.row ?? 0,
    residual?.pitch ?? 0,
    layer.activation.kind,
    at.slopesAt,
    0,
    count,
    chunk,
    arena.take(POINTS * pointIn),
    pointIn,
    arena.take(POINTS * pointOut),
    pointOut,
    0,
    0,
  ];
}
