/** The same network on four engines, each called once a round: ours, tfjs-backend-wasm, onnxruntime's wasm and its native code. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import * as tf from "@tensorflow/tfjs-core";
import { createNodeClassifier } from "../src/backends/engines-node.ts";
import { createGraphNodeEngine } from "../src/backends/graph/graph-node.ts";
import { startTfjsWasmNode } from "../src/backends/tfjs-wasm-node.ts";
import type { Network } from "../src/model/graph/check-graph.ts";
import { loadBlazeFaceModel } from "../src/model/blazeface-model.ts";
import { exportOnnx } from "../src/model/export/export-onnx.ts";
import { encodeNetwork } from "../src/model/export/onnx-graph.ts";
import { makeImportedModel } from "../src/model/import/import-model.ts";
import { readNetwork } from "../src/model/import/read-network.ts";
import { countInputBytes } from "../src/model/input-form.ts";
import { LABELS } from "../src/model/labels.ts";
import type { Model } from "../src/model/model.ts";
import { LIMITS } from "../src/scoring/limits.ts";

/** One engine with its network and its input. */
export interface GraphContestant {
  readonly name: string;
  readonly call: () => Promise<unknown>;
}

/** Engines in the order of the table. */
export const GRAPH_ENGINES = ["countenance", "tfjs-backend-wasm", "onnxruntime-web", "onnxruntime-node"] as const;

const human = join(import.meta.dirname, "../node_modules/@vladmandic/human/models");

type Feeds = Readonly<
  Record<
    string,
    { readonly type: "uint8" | "float32"; readonly data: Uint8Array | Float32Array; readonly dims: number[] }
  >
>;

/** Both builds of onnxruntime on one thread each. */
async function openOrt(onnx: Uint8Array, feeds: Feeds): Promise<GraphContestant[]> {
  const web = await import("onnxruntime-web");
  web.env.wasm.numThreads = 1;
  const node = await import("onnxruntime-node");
  const inWasm = await web.InferenceSession.create(onnx, {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
  });
  const native = await node.InferenceSession.create(onnx, {
    executionProviders: ["cpu"],
    graphOptimizationLevel: "all",
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: "sequential",
  });
  const wrap = <T>(Tensor: new (type: "uint8" | "float32", data: never, dims: number[]) => T): Record<string, T> =>
    Object.fromEntries(
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the type says which array it is
      Object.entries(feeds).map(([name, { type, data, dims }]) => [name, new Tensor(type, data as never, dims)]),
    );
  return [
    { name: "onnxruntime-web", call: () => inWasm.run(wrap(web.Tensor)) },
    { name: "onnxruntime-node", call: () => native.run(wrap(node.Tensor)) },
  ];
}

/** A classifier on bytes of `batch` faces. @param tfjs how tfjs runs it; by default our network on its operators */
export async function openClassifier(
  model: Model,
  batch: number,
  tfjs?: () => Promise<unknown>,
): Promise<GraphContestant[]> {
  const { input } = model.card;
  const pixels = Uint8Array.from({ length: batch * countInputBytes(input) }, (_, at) => (at * 37) % 256);
  const ours = await createNodeClassifier(model, "fused");
  const theirs = tfjs === undefined ? await createNodeClassifier(model, "tfjs") : null;
  const channels = input.color === "gray" ? 1 : 3;
  const dims = [batch, channels, input.size, input.size];
  return [
    { name: "countenance", call: () => ours.classify(pixels, batch) },
    { name: "tfjs-backend-wasm", call: tfjs ?? (() => theirs!.classify(pixels, batch)) },
    ...(await openOrt(exportOnnx(model), { pixels: { type: "uint8", data: pixels, dims } })),
  ];
}

async function openTheirs(name: string): Promise<Awaited<ReturnType<typeof loadGraphModel>>> {
  await startTfjsWasmNode();
  await tf.setBackend("wasm");
  const json = JSON.parse(await readFile(join(human, `${name}.json`), "utf8"));
  // Cut before its last reshapes the finder takes any size, which its input's shape forbids.
  for (const node of json.modelTopology.node) {
    if (node.op === "Placeholder") delete node.attr.shape;
  }
  const weightSpecs = json.weightsManifest.flatMap((group: { weights: unknown[] }) => group.weights);
  const weightData = Uint8Array.from(await readFile(join(human, `${name}.bin`))).buffer;
  return loadGraphModel({ load: async () => ({ modelTopology: json.modelTopology, weightSpecs, weightData }) });
}

/** Runs a graph of the library once, and reads what it gives. */
async function runTheirs(
  model: Awaited<ReturnType<typeof loadGraphModel>>,
  values: Float32Array,
  shape: [number, number, number, number],
  outputs?: string[],
): Promise<void> {
  const input = tf.tensor4d(values, shape);
  const found = model.execute(input, outputs);
  const list = Array.isArray(found) ? found : [found];
  for (const tensor of list) await tensor.data();
  tf.dispose([input, ...list]);
}

/** The expression network of `@vladmandic/human`: depthwise and pointwise convolutions, 64 × 64 gray. */
export async function readEmotion(): Promise<Network> {
  const readBeside = (path: string): Promise<Uint8Array | null> => readFile(join(human, path)).catch(() => null);
  const file = await readFile(join(human, "emotion.json"));
  return (await readNetwork(file, readBeside, {}, LIMITS.modelImport)).network;
}

/** The finder's network. */
export async function readBlazeFace(): Promise<Network> {
  const folder = new URL("../models/faces/blazeface@1/", import.meta.url);
  const card: unknown = JSON.parse(await readFile(new URL("card.json", folder), "utf8"));
  return (await loadBlazeFaceModel(card, await readFile(new URL("weights.safetensors", folder)))).network;
}

/** {@link readEmotion} on faces. */
export async function openEmotion(batch: number): Promise<GraphContestant[]> {
  const { model } = await makeImportedModel(await readEmotion(), {
    name: "human-emotion",
    version: 1,
    labels: LABELS,
    color: "gray",
    mean: [0.5],
    std: [0.5],
    license: "MIT",
    origin: "emotion.json",
  });
  const theirs = await openTheirs("emotion");
  const values = Float32Array.from({ length: batch * 64 * 64 }, (_, at) => (((at * 37) % 256) / 255 - 0.5) * 2);
  return openClassifier(model, batch, () => runTheirs(theirs, values, [batch, 64, 64, 1]));
}

/** BlazeFace without its last reshapes, one picture of `side` × `side` pixels a call. */
export async function openFinder(side: number): Promise<GraphContestant[]> {
  const network = await readBlazeFace();
  const engine = await createGraphNodeEngine(network);
  const values = Float32Array.from({ length: side * side * 3 }, (_, at) => ((at * 37) % 256) / 127.5 - 1);
  const theirs = await openTheirs("blazeface");
  const prefix = "StatefulPartitionedCall/functional_1/";
  const outputs = [33, 35, 34, 36].map((n) => `${prefix}conv2d_${n}/BiasAdd`);
  const input = { type: "float32" as const, data: values, dims: [1, 3, side, side] };
  return [
    { name: "countenance", call: () => engine.run(values, side, side) },
    { name: "tfjs-backend-wasm", call: () => runTheirs(theirs, values, [1, side, side, 3], outputs) },
    ...(await openOrt(encodeNetwork(network, [side, side]), { input })),
  ];
}
