/**
 * `node onnx-agreement.ts [folder of models]`: every model as an ONNX file, run by onnxruntime, against the model's own
 * engine; then networks drawn from all operators, against the oracle. Fails above a difference of 1e-4.
 */

import * as ort from "onnxruntime-node";
import { createNodeClassifier } from "../src/backends/engines-node.ts";
import { BUNDLED_MODELS_FOLDER, listFolderModels } from "../src/backends/models-node.ts";
import { exportOnnx } from "../src/model/export/export-onnx.ts";
import { encodeNetwork } from "../src/model/export/onnx-graph.ts";
import type { Network } from "../src/model/graph/check-graph.ts";
import { runGraphOracle } from "../src/model/graph/graph-oracle.ts";
import { countChannels, countInputBytes } from "../src/model/input-form.ts";
import type { Model } from "../src/model/model.ts";
import { createRegistry } from "../src/model/registry.ts";
import { createDice, drawNetwork } from "../test/contract/drawn-networks.ts";

/** Largest difference of a probability, or of a value as a share of the largest. */
const TOLERANCE = 1e-4;
const FACES = 9;
const NETWORKS = 200;

/** Channels together to channel by channel. */
function turnFaces(pixels: Uint8Array, channels: number, area: number): Uint8Array {
  const turned = new Uint8Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) {
    const face = Math.floor(i / (channels * area));
    const place = i % (channels * area);
    turned[(face * channels + (place % channels)) * area + Math.floor(place / channels)] = pixels[i]!;
  }
  return turned;
}

async function compareModel(model: Model): Promise<number> {
  const { input } = model.card;
  const dice = createDice(1);
  const pixels = Uint8Array.from({ length: FACES * countInputBytes(input) }, () => dice.roll(256));
  const classifier = await createNodeClassifier(model, "fused");
  const own = await classifier.classify(pixels, FACES);
  classifier.dispose();
  const session = await ort.InferenceSession.create(exportOnnx(model));
  const channels = countChannels(input);
  const faces = turnFaces(pixels, channels, input.size ** 2);
  const tensor = new ort.Tensor("uint8", faces, [FACES, channels, input.size, input.size]);
  const { probabilities } = await session.run({ pixels: tensor });
  const theirs = probabilities!.data;
  if (!(theirs instanceof Float32Array)) throw new TypeError("the output is not float");
  return Math.max(...theirs.map((value, i) => Math.abs(value - own.probabilities[i]!)));
}

/** onnxruntime divides by a rounded scale, and so picks another neighbor where a place falls between two. */
function picksNeighbors({ graph }: Network): boolean {
  return graph.nodes.some((node) => node.op === "resize" && node.mode === "nearest");
}

async function compareDrawn(network: Network, seed: number): Promise<number> {
  const { channels, height, width } = network.graph.input;
  const [rows, columns] = [height!, width!];
  const dice = createDice(seed);
  const values = Float32Array.from({ length: channels * rows * columns }, () => dice.real());
  const shape = [channels, rows, columns] as const;
  const expected = runGraphOracle(network, { shape, data: Float64Array.from(values) });
  const session = await ort.InferenceSession.create(encodeNetwork(network, [rows, columns]));
  const outputs = await session.run({ input: new ort.Tensor("float32", values, [1, ...shape]) });
  let worst = 0;
  for (const [name, { data }] of expected) {
    const theirs = outputs[`output ${name}`]!.data;
    if (!(theirs instanceof Float32Array) || theirs.length !== data.length) return Infinity;
    const largest = data.reduce((top, x) => Math.max(top, Math.abs(x)), 1e-3);
    theirs.forEach((value, i) => (worst = Math.max(worst, Math.abs(value - data[i]!) / largest)));
  }
  return worst;
}

const folder = process.argv[2] ?? BUNDLED_MODELS_FOLDER;
const registry = createRegistry(await listFolderModels(folder));
const differences: number[] = [];
for (const id of registry.list()) {
  const model = await registry.load(id);
  if (model.card.family === "hog-svm") continue;
  const difference = await compareModel(model);
  differences.push(difference);
  process.stdout.write(`${id}: ${difference.toExponential(1)}\n`);
}
const drawn: number[] = [];
for (let seed = 0; seed < NETWORKS; seed++) {
  const network = drawNetwork(seed);
  if (!picksNeighbors(network)) drawn.push(await compareDrawn(network, seed));
}
process.stdout.write(`${drawn.length} drawn networks: ${Math.max(...drawn).toExponential(1)}\n`);
if (Math.max(...differences, ...drawn) > TOLERANCE) {
  process.stderr.write(`more than ${TOLERANCE}\n`);
  process.exitCode = 1;
}
