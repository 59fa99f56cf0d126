/** The SIMD engine for one picture: a network compiled to a plan of static buffers, run by one WebAssembly module. */

import { ScoringError } from "../../errors.ts";
import type { PixelTools } from "../../image/letterbox.ts";
import { smallestInput, type Network } from "../../model/graph/check-graph.ts";
import { inferShapes, type ValueShape } from "../../model/graph/shapes.ts";
import { createKernel, type GraphEngineName, type Kernel } from "./kernel.ts";
import { type Layer, planLayers } from "./layers.ts";
import { inputPitch, type Place } from "./picture-places.ts";
import { createGraphPixels } from "./picture-pixels.ts";
import { type PlacedLayer, placeLayer, planPicture, type PicturePlan } from "./picture-plan.ts";
import { type LayerForm, packLayer, sizeLayer } from "./picture-weights.ts";
import { type Arena, asPixels, createArena, FLOAT, padLanes } from "./places.ts";

/** Plans kept, one per picture size; the oldest is dropped. */
const MAX_PLANS = 16;

/** A map or a vector: row by row, pixel by pixel, channels together. */
export interface PictureValue {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}

/** A network on one engine. Not safe for overlapping calls. */
export interface GraphEngine {
  /** Name of the engine, for records. */
  readonly engine: string;
  /**
   * Runs one picture.
   * @param input `height × width × channels` values, channels together, scaled as the network wants them
   * @returns the network's outputs by name; a vector is a map of one pixel
   * @throws ScoringError `model_invalid` if the network does not take that size, `engine_unavailable`
   */
  run(input: Float32Array, height: number, width: number): Promise<ReadonlyMap<string, PictureValue>>;
  /** Frees what the engine holds. Idempotent. */
  dispose(): void;
}

/** The SIMD engine, which knows beforehand what it will hold. */
export interface PlannedGraphEngine extends GraphEngine {
  /** Bytes that a picture of that size takes, weights included. @throws ScoringError `model_invalid` */
  measure(height: number, width: number): number;
  /** Halves and resizes pictures with the engine's module, in a memory of its own. @throws ScoringError `engine_unavailable` */
  openPixels(): Promise<PixelTools>;
}

function describeForm(
  network: Network,
  layers: readonly Layer[],
  layer: Layer,
  shapes: ReadonlyMap<string, ValueShape>,
): LayerForm {
  const input = "input" in layer ? layer.input : layer.inputs[0]!;
  const [channels] = shapes.get(input)!;
  const [, ...size] = asPixels(shapes.get(layer.output)!);
  return {
    channels,
    pitch: input === network.graph.input.name ? inputPitch(network, layers) : padLanes(channels),
    size,
  };
}

function placeLayers(
  network: Network,
  layers: readonly Layer[],
  shapes: ReadonlyMap<string, ValueShape>,
  arena: Arena,
): readonly PlacedLayer[] {
  return layers.map((layer) =>
    placeLayer(layer, sizeLayer(layer, network, describeForm(network, layers, layer, shapes)), arena),
  );
}

/**
 * Bytes that one picture of a network's only size takes, weights included, from the shapes of the weights alone.
 * @throws ScoringError `model_invalid` where a node does not fit; `engine_unavailable` if one has no kernel here
 */
export function measurePicture(network: Network): number {
  const [height, width] = smallestInput(network.graph);
  const layers = planLayers(network, { separable: true });
  const arena = createArena(0);
  const placed = placeLayers(network, layers, inferShapes(network.graph, network.weights, height, width), arena);
  return planPicture(network, placed, height, width, arena.end()).end;
}

/**
 * Places the layers of a network in a kernel's memory, and packs their numbers.
 * @returns the layers, and the first byte behind them
 * @throws ScoringError `engine_unavailable` if a node has no kernel here or memory is refused
 */
export function loadLayers(
  kernel: Kernel,
  network: Network,
): { readonly placed: readonly PlacedLayer[]; readonly end: number } {
  const layers = planLayers(network, { separable: true });
  // Channels do not depend on the picture's size; behind `flatten` they do, but there the size is fixed.
  const shapes = inferShapes(network.graph, network.weights, ...smallestInput(network.graph));
  const arena = createArena(kernel.base);
  const placed = placeLayers(network, layers, shapes, arena);
  kernel.reserve(arena.end());
  for (const { layer, main, depthwise } of placed) {
    const packed = packLayer(layer, network, describeForm(network, layers, layer, shapes));
    for (const [place, part] of [[main, packed?.main] as const, [depthwise, packed?.depthwise] as const]) {
      if (place === null || part == null) continue;
      kernel.floats(place.weightsAt, part.weights.length).set(part.weights);
      kernel.floats(place.biasAt, part.bias.length).set(part.bias);
      kernel.floats(place.slopesAt, part.slopes.length).set(part.slopes);
    }
  }
  return { placed, end: arena.end() };
}

/**
 * Loads a network into an instance of `module` (graph.wasm or graph-relaxed.wasm).
 * @throws ScoringError `engine_unavailable` if a node has no kernel here or memory is refused
 */
export async function createGraphEngine(
  module: WebAssembly.Module,
  network: Network,
  engine: GraphEngineName = "graph-wasm-simd",
): Promise<PlannedGraphEngine> {
  const { graph } = network;
  const kernel = await createKernel(module);
  const { placed, end } = loadLayers(kernel, network);

  const plans = new Map<string, PicturePlan>();
  let current: PicturePlan | null = null;
  let disposed = false;

  const findPlan = (height: number, width: number): PicturePlan => {
    const key = `${height}×${width}`;
    const plan = plans.get(key) ?? planPicture(network, placed, height, width, end);
    plans.delete(key);
    plans.set(key, plan);
    if (plans.size > MAX_PLANS) plans.delete(plans.keys().next().value!);
    return plan;
  };

  /** Lays a plan out; buffers of the plan before it lose their meaning. */
  const activate = (plan: PicturePlan): void => {
    if (plan === current) return;
    kernel.reserve(plan.end);
    // Only what has to be zero: a search goes from size to size, and filling all of a plan took as long as a small look.
    const { zeros } = plan;
    const values = kernel.floats(0, plan.end / FLOAT);
    for (let i = 0; i < zeros.length; i += 2) {
      const from = zeros[i]! / FLOAT;
      values.fill(0, from, from + zeros[i + 1]! / FLOAT);
    }
    kernel.words(plan.start, plan.words.length).set(plan.words);
    current = plan;
  };

  return {
    engine,
    // oxlint-disable-next-line typescript/require-await -- the port is asynchronous, this engine is not
    async run(input, height, width) {
      if (disposed) throw new ScoringError("engine_unavailable", "the graph engine was disposed");
      const plan = findPlan(height, width);
      const expected = height * width * graph.input.channels;
      if (input.length !== expected) {
        throw new ScoringError("model_invalid", `graph: an input of ${input.length} values, not ${expected}`);
      }
      activate(plan);
      writePlace(kernel, plan.input, input);
      kernel.run(plan.start, plan.steps);
      return new Map([...plan.outputs].map(([name, place]) => [name, readPlace(kernel, place)]));
    },
    openPixels: () => createGraphPixels(module),
    measure: (height, width) => findPlan(height, width).end,
    // The memory goes with the instance, when nothing refers to it.
    dispose: () => {
      disposed = true;
    },
  };
}

function writePlace(kernel: Kernel, place: Place, values: Float32Array): void {
  const { channels, height, width, pitch, row, address } = place;
  const line = width * channels;
  for (let y = 0; y < height; y++) {
    const source = values.subarray(y * line, (y + 1) * line);
    if (pitch === channels * FLOAT) {
      kernel.floats(address + y * row, line).set(source);
      continue;
    }
    const target = kernel.floats(address + y * row, (width * pitch) / FLOAT);
    for (let x = 0; x < width; x++) {
      for (let k = 0; k < channels; k++) target[(x * pitch) / FLOAT + k] = source[x * channels + k]!;
    }
  }
}

function readPlace(kernel: Kernel, place: Place): PictureValue {
  const { channels, height, width, pitch, row, address } = place;
  const data = new Float32Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    const source = kernel.floats(address + y * row, (width * pitch) / FLOAT);
    for (let x = 0; x < width; x++) {
      const from = (x * pitch) / FLOAT;
      data.set(source.subarray(from, from + channels), (y * width + x) * channels);
    }
  }
  return { channels, height, width, data };
}
