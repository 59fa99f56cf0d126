/** The SIMD engine for batches of faces of one size: four faces in a vector, layer by layer over the whole batch. */

import { ScoringError } from "../../errors.ts";
import { smallestInput, type Network } from "../../model/graph/check-graph.ts";
import { inferShapes } from "../../model/graph/shapes.ts";
import { type BatchInput, placeBatchLayer, planBatch, type BatchPlace } from "./batch-plan.ts";
import { packBatchLayer, sizeBatchLayer } from "./batch-weights.ts";
import { VECTOR } from "./batch-words.ts";
import type { ByteScale } from "./face-runner.ts";
import { createKernel } from "./kernel.ts";
import { planLayers } from "./layers.ts";
import { type Arena, asPixels, createArena, FLOAT } from "./places.ts";

/** Faces in a vector. */
const LANES = 4;
/** Faces of a batch: weights are read once for all of them. */
export const BATCH_FACES = 16;

/** A network on bytes of faces. Not safe for overlapping calls. */
export interface BatchEngine {
  /**
   * Runs up to {@link BATCH_FACES} faces.
   * @param pixels `count × height × width × channels` bytes, channels together
   * @returns outputs by name, `[count, channels × height × width]`, channel by channel
   */
  run(pixels: Uint8Array, count: number): ReadonlyMap<string, Float32Array>;
  /** Bytes that the instance holds. */
  readonly bytes: number;
}

const placeInput = (arena: Arena, faceBytes: number, channels: number): BatchInput => ({
  bytesAt: arena.take(BATCH_FACES * faceBytes),
  scalesAt: arena.take(channels * FLOAT),
  offsetsAt: arena.take(channels * FLOAT),
});

/**
 * Bytes that {@link createBatchEngine} takes for a network of one input size, weights included, from the shapes of its
 * weights alone.
 * @throws ScoringError `model_invalid` where a node does not fit; `engine_unavailable` if one has no kernel here
 */
export function measureBatch(network: Network): number {
  const { graph, weights } = network;
  const [height, width] = smallestInput(graph);
  const values = inferShapes(graph, weights, height, width);
  const arena = createArena(0);
  const placed = planLayers(network, { separable: false }).map((layer) => {
    const [channels, rows, columns] = asPixels(values.get(layer.output)!);
    return placeBatchLayer(layer, sizeBatchLayer(layer, network, channels, [rows, columns]), arena);
  });
  const { channels } = graph.input;
  const input = placeInput(arena, height * width * channels, channels);
  planBatch(network, placed, values, input, BATCH_FACES / LANES, arena);
  return arena.end();
}

/**
 * Loads a network of one input size into an instance of `module`.
 * @throws ScoringError `engine_unavailable` if a node has no kernel here or memory is refused
 */
export async function createBatchEngine(
  module: WebAssembly.Module,
  network: Network,
  { scales, offsets }: ByteScale,
): Promise<BatchEngine> {
  const { graph } = network;
  const [height, width] = smallestInput(graph);
  const shapes = inferShapes(graph, network.weights, height, width);
  const kernel = await createKernel(module);
  const arena = createArena(kernel.base);
  const placed = planLayers(network, { separable: false }).map((layer) => {
    const [channels, rows, columns] = asPixels(shapes.get(layer.output)!);
    const packed = packBatchLayer(layer, network, channels, [rows, columns]);
    const place = placeBatchLayer(layer, sizeBatchLayer(layer, network, channels, [rows, columns]), arena);
    kernel.reserve(arena.end());
    if (packed !== null) {
      kernel.floats(place.weightsAt, packed.weights.length).set(packed.weights);
      kernel.floats(place.biasAt, packed.bias.length).set(packed.bias);
      kernel.floats(place.slopesAt, packed.slopes.length).set(packed.slopes);
    }
    return place;
  });
  const { channels: depth } = graph.input;
  const faceBytes = height * width * depth;
  const input = placeInput(arena, faceBytes, depth);
  const plan = planBatch(network, placed, shapes, input, BATCH_FACES / LANES, arena);
  kernel.reserve(arena.end());
  kernel.floats(input.scalesAt, scales.length).set(scales);
  kernel.floats(input.offsetsAt, offsets.length).set(offsets);
  kernel.words(plan.start, plan.words.length).set(plan.words);

  const read = (place: BatchPlace, count: number): Float32Array => {
    const size = place.channels * place.height * place.width;
    const values = new Float32Array(count * size);
    let at = 0;
    for (let face = 0; face < count; face++) {
      const group = place.address + Math.floor(face / LANES) * place.group;
      for (let k = 0; k < place.channels; k++) {
        for (let y = 0; y < place.height; y++) {
          const row = kernel.floats(group + k * place.plane + y * place.row, (place.width * VECTOR) / FLOAT);
          for (let x = 0; x < place.width; x++) values[at++] = row[x * LANES + (face % LANES)]!;
        }
      }
    }
    return values;
  };

  return {
    bytes: arena.end(),
    run(pixels, count) {
      if (count > BATCH_FACES || pixels.length < count * faceBytes) {
        throw new ScoringError("internal", `${pixels.length} bytes for ${count} faces of ${faceBytes}`);
      }
      kernel.bytes(input.bytesAt, count * faceBytes).set(pixels.subarray(0, count * faceBytes));
      kernel.runBatch(plan.start, plan.steps, Math.ceil(count / LANES));
      return new Map([...plan.outputs].map(([name, place]) => [name, read(place, count)]));
    },
  };
}
