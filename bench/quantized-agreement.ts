/**
 * `node quantized-agreement.ts --data <fer2013>`: how often Deep_Emotion in integers gives the label of the same network in
 * floats. Weights have a scale for each output channel, activations one for each map, from the largest value of faces that
 * are not counted; sums are exact, as wasm's dot products make them. θ, the sampler and the dense layers stay in floats.
 */

import { parseArgs } from "node:util";
import { listFolderModels } from "../src/backends/models-node.ts";
import type { Layer } from "../src/backends/fused/fused-form.ts";
import { readDeepEmotion } from "../src/model/graph/deep-emotion.ts";
import { buildSamplerMatrix, TRANSFORM_SIZE } from "../src/model/graph/affine-sample.ts";
import { FACE_PIXELS, FACE_SIZE } from "../src/model/labels.ts";
import { NORMALIZED } from "../src/model/pixels.ts";
import { createRegistry } from "../src/model/registry.ts";
import { openDataset } from "../src/evaluation/open-dataset.ts";

type Layers = Readonly<Record<Convolution | "fcLoc0" | "fcLoc2" | "fc1" | "fc2", Layer>>;

/** Sides of the maps, in the order of the layers. */
const SIDES = {
  localization0: 42,
  pooled0: 21,
  localization3: 17,
  conv1: 46,
  conv2: 44,
  pooled2: 22,
  conv3: 20,
  conv4: 18,
};

const CONVOLUTIONS = ["localization0", "localization3", "conv1", "conv2", "conv3", "conv4"] as const;
type Convolution = (typeof CONVOLUTIONS)[number];

/** What is kept in integers, and of how many bits, the sign included; activations behind ReLU have none. */
interface Variant {
  readonly name: string;
  readonly weightBits: number;
  readonly activationBits: number;
  readonly layers: readonly Convolution[];
}

const FEATURES: readonly Convolution[] = ["conv2", "conv3", "conv4"];
const VARIANTS: readonly Variant[] = [
  { name: "8 × 8 bits, all convolutions", weightBits: 8, activationBits: 8, layers: CONVOLUTIONS },
  { name: "8 × 7 bits, all convolutions", weightBits: 8, activationBits: 7, layers: CONVOLUTIONS },
  { name: "8 × 8 bits, conv2 to conv4 only", weightBits: 8, activationBits: 8, layers: FEATURES },
  { name: "8 × 8 bits, conv2 only", weightBits: 8, activationBits: 8, layers: ["conv2"] },
  { name: "12 × 12 bits, all convolutions", weightBits: 12, activationBits: 12, layers: CONVOLUTIONS },
];

interface Plan {
  readonly layers: Readonly<Record<Convolution, Layer>>;
  /** Bits and largest magnitude of each quantized layer's input. */
  readonly inputs: ReadonlyMap<Convolution, { readonly bits: number; readonly largest: number }>;
}

/** Every output channel's weights rounded to its own grid. */
function roundWeights(layer: Layer, bits: number): Layer {
  const top = 2 ** (bits - 1) - 1;
  const perChannel = layer.weight.data.length / layer.bias.length;
  const data = layer.weight.data.slice();
  for (let start = 0; start < data.length; start += perChannel) {
    const own = data.subarray(start, start + perChannel);
    const step = own.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) / top;
    for (let i = 0; i < perChannel; i++) own[i] = step === 0 ? 0 : Math.round(own[i]! / step) * step;
  }
  return { weight: { shape: layer.weight.shape, data }, bias: layer.bias };
}

function roundMap(map: Float64Array, bits: number, largest: number): Float64Array {
  const isSigned = map.some((value) => value < 0);
  const top = 2 ** (isSigned ? bits - 1 : bits) - 1;
  const step = largest / top;
  return map.map((value) => Math.max(-top, Math.min(top, Math.round(value / step))) * step);
}

function convolve(map: Float64Array, side: number, { weight, bias }: Layer): Float64Array {
  const [outputs = 0, inputs = 0, kernel = 0] = weight.shape;
  const size = side - kernel + 1;
  const out = new Float64Array(outputs * size * size);
  for (let o = 0; o < outputs; o++) {
    const own = out.subarray(o * size * size, (o + 1) * size * size).fill(bias[o]!);
    for (let tap = 0; tap < inputs * kernel * kernel; tap++) {
      const value = weight.data[o * inputs * kernel * kernel + tap]!;
      const [i, y, x] = [Math.floor(tap / kernel ** 2), Math.floor(tap / kernel) % kernel, tap % kernel];
      for (let row = 0; row < size; row++) {
        const from = (i * side + row + y) * side + x;
        const to = row * size;
        for (let column = 0; column < size; column++)
          own[to + column] = own[to + column]! + value * map[from + column]!;
      }
    }
  }
  return out;
}

function pool(map: Float64Array, side: number): Float64Array {
  const half = side >> 1;
  const channels = map.length / side ** 2;
  return Float64Array.from({ length: channels * half ** 2 }, (_, at) => {
    const corner = Math.floor(at / half ** 2) * side ** 2 + 2 * (Math.floor(at / half) % half) * side + 2 * (at % half);
    return Math.max(map[corner]!, map[corner + 1]!, map[corner + side]!, map[corner + side + 1]!);
  });
}

const rectify = (map: Float64Array): Float64Array => map.map((value) => Math.max(0, value));

function connect(input: Float64Array, { weight, bias }: Layer): Float64Array {
  return Float64Array.from(bias, (start, o) =>
    input.reduce((sum, x, i) => sum + x * weight.data[o * input.length + i]!, start),
  );
}

function sample(image: Float64Array, theta: Float64Array, alignCorners: boolean): Float64Array {
  const { matrix, offset } = buildSamplerMatrix(FACE_SIZE, FACE_SIZE, alignCorners ? "aligned" : "half");
  const [a0 = 0, a1 = 0, a2 = 0, b0 = 0, b1 = 0, b2 = 0] = Array.from({ length: 6 }, (_, k) =>
    theta.reduce((sum, value, i) => sum + value * matrix[i * TRANSFORM_SIZE + k]!, offset[k]!),
  );
  const at = (row: number, column: number): number =>
    row >= 0 && row < FACE_SIZE && column >= 0 && column < FACE_SIZE ? image[row * FACE_SIZE + column]! : 0;
  return image.map((_, i) => {
    const [r, c] = [Math.floor(i / FACE_SIZE), i % FACE_SIZE];
    const [x, y] = [a0 * c + a1 * r + a2, b0 * c + b1 * r + b2];
    const [left, top] = [Math.floor(x), Math.floor(y)];
    const mix = (row: number): number => (left + 1 - x) * at(row, left) + (x - left) * at(row, left + 1);
    return (top + 1 - y) * mix(top) + (y - top) * mix(top + 1);
  });
}

/** Logits of one face; `seen` is told every convolution's input. */
function runNetwork(
  network: Layers,
  { layers, inputs }: Plan,
  alignCorners: boolean,
  pixels: Uint8Array,
  seen: (name: Convolution, map: Float64Array) => void = () => undefined,
): Float64Array {
  const layer = (name: Convolution, map: Float64Array, side: number): Float64Array => {
    seen(name, map);
    const input = inputs.get(name);
    return convolve(input === undefined ? map : roundMap(map, input.bits, input.largest), side, layers[name]);
  };
  // A byte is an integer already: its 8 bits lose nothing.
  const image = Float64Array.from(pixels, (level) => NORMALIZED[level]!);
  let map = rectify(pool(convolve(image, FACE_SIZE, layers.localization0), SIDES.localization0));
  map = rectify(pool(layer("localization3", map, SIDES.pooled0), SIDES.localization3));
  const theta = connect(rectify(connect(map, network.fcLoc0)), network.fcLoc2);
  map = rectify(layer("conv1", sample(image, theta, alignCorners), FACE_SIZE));
  map = rectify(pool(layer("conv2", map, SIDES.conv1), SIDES.conv2));
  map = rectify(layer("conv3", map, SIDES.pooled2));
  map = rectify(pool(layer("conv4", map, SIDES.conv3), SIDES.conv4));
  return connect(rectify(connect(map, network.fc1)), network.fc2);
}

function findTop(logits: Float64Array): { readonly label: number; readonly margin: number } {
  const [first = 0, second = 0] = [...logits].sort((a, b) => b - a);
  return { label: logits.indexOf(first), margin: first - second };
}

const faceOf = (pixels: Uint8Array, i: number): Uint8Array => pixels.subarray(i * FACE_PIXELS, (i + 1) * FACE_PIXELS);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      data: { type: "string" },
      model: { type: "string", default: "deep-emotion" },
      limit: { type: "string", default: "3589" },
    },
  });
  if (values.data === undefined) throw new Error("--data <fer2013.csv or folder of sheets>");
  const registry = createRegistry(await listFolderModels());
  const id = registry.resolve(values.model);
  const { card, tensors } = await registry.load(id);
  const alignCorners = card.alignCorners === true;
  const { weights } = readDeepEmotion(tensors, alignCorners ? "aligned" : "half");
  const readLayer = (name: string): Layer => ({
    weight: weights.get(`${name}.weight`)!,
    bias: weights.get(`${name}.bias`)!.data,
  });
  const network: Layers = {
    localization0: readLayer("localization.0"),
    localization3: readLayer("localization.3"),
    fcLoc0: readLayer("fc_loc.0"),
    fcLoc2: readLayer("fc_loc.2"),
    conv1: readLayer("conv1"),
    conv2: readLayer("conv2"),
    conv3: readLayer("conv3"),
    conv4: readLayer("conv4"),
    fc1: readLayer("fc1"),
    fc2: readLayer("fc2"),
  };
  const floats: Plan = { layers: network, inputs: new Map() };

  const calibration = await openDataset(values.data, { usage: "Training", limit: 500 });
  const largest = new Map<Convolution, number>();
  for (let i = 0; i < calibration.count; i++) {
    runNetwork(network, floats, alignCorners, faceOf(calibration.pixels, i), (name, map) => {
      largest.set(
        name,
        map.reduce((top, value) => Math.max(top, Math.abs(value)), largest.get(name) ?? 0),
      );
    });
  }

  const { name, count, pixels, truth } = await openDataset(values.data, {
    usage: "PublicTest",
    limit: Number(values.limit),
  });
  const runAll = (plan: Plan) =>
    Array.from({ length: count }, (_, i) => findTop(runNetwork(network, plan, alignCorners, faceOf(pixels, i))));
  const countRight = (tops: readonly { label: number }[]): number =>
    tops.filter(({ label }, i) => label === truth[i]).length;
  const percent = (part: number): string => `${((100 * part) / count).toFixed(2)} %`;
  const reference = runAll(floats);
  process.stdout.write(`${id}, ${name}, ${count} faces; floats: ${percent(countRight(reference))} right\n\n`);
  process.stdout.write("| weights × activations | same label | other labels | largest margin among them | right |\n");
  process.stdout.write("| --- | ---: | ---: | ---: | ---: |\n");
  for (const variant of VARIANTS) {
    const chosen = new Set(variant.layers);
    const layers = { ...network };
    for (const layer of chosen) layers[layer] = roundWeights(network[layer], variant.weightBits);
    const inputs = new Map(
      [...chosen].map((layer) => [layer, { bits: variant.activationBits, largest: largest.get(layer) ?? 1 }]),
    );
    const tops = runAll({ layers, inputs });
    const moved = reference.filter(({ label }, i) => label !== tops[i]!.label);
    const margin = moved.reduce((top, one) => Math.max(top, one.margin), 0);
    const cells = [
      variant.name,
      percent(count - moved.length),
      String(moved.length),
      margin.toFixed(3),
      percent(countRight(tops)),
    ];
    process.stdout.write(`| ${cells.join(" | ")} |\n`);
  }
}

await main();
