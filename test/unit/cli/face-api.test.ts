import { execFile } from "node:child_process";
import { cp, mkdtemp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire, Module } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { runInThisContext } from "node:vm";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createNodeClassifier } from "../../../src/backends/engines-node.ts";
import { listFolderModels } from "../../../src/backends/models-node.ts";
import type { DraftNode } from "../../../src/model/graph/graph.ts";
import { createRegistry } from "../../../src/model/registry.ts";
import { createDice } from "../../contract/drawn-networks.ts";

/** The expression network of `@vladmandic/face-api`: weights without a network, which is described here and imported by command. */

const root = join(import.meta.dirname, "../../..");
const require = createRequire(import.meta.url);
const faceApi = dirname(require.resolve("@vladmandic/face-api/package.json"));
const portraits = join(root, "node_modules/tabler-ui/dist/demo/faces/female");
const LABELS = ["Neutral", "Happy", "Sad", "Angry", "Fear", "Disgust", "Surprise"];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-face-api-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function runCli(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const run = promisify(execFile)(process.execPath, [join(root, "cli/countenance.ts"), ...args], { cwd: folder });
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

/** `faceFeatureExtractor/FaceFeatureExtractor.ts` and `denseBlock.ts` of the library, as data. */
function describeNetwork(): object {
  const nodes: DraftNode[] = [];
  const push = (node: DraftNode): string => {
    nodes.push(node);
    return node.name;
  };
  let value = "face";
  for (const [number, channels] of [3, 32, 64, 128].entries()) {
    const block = `dense${number}`;
    const convolve = (name: string, from: string, stride: [number, number], groups: number): string => {
      const tensors = `${block}/${name}`;
      const window = { padding: "same" as const, inputs: [from] };
      if (number === 0 && name === "conv0") {
        const full = { weight: `${tensors}/filters`, bias: `${tensors}/bias`, stride };
        return push({ name: tensors, op: "conv", ...window, ...full });
      }
      const depth = { weight: `${tensors}/depthwise_filter`, stride, groups };
      const spread = push({ name: `${tensors}/depth`, op: "conv", ...window, ...depth });
      const mix = { weight: `${tensors}/pointwise_filter`, bias: `${tensors}/bias`, inputs: [spread] };
      return push({ name: tensors, op: "conv", ...mix });
    };
    const outputs = 32 * 2 ** number;
    let sum = convolve("conv0", value, [2, 2], channels);
    sum = push({ name: `${block}/relu0`, op: "relu", inputs: [sum] });
    let last = sum;
    for (const step of [1, 2, 3]) {
      const made = convolve(`conv${step}`, last, [1, 1], outputs);
      sum = push({ name: `${block}/sum${step}`, op: "add", inputs: [sum, made] });
      last = push({ name: `${block}/relu${step}`, op: "relu", inputs: [sum] });
    }
    value = last;
  }
  push({ name: "pool", op: "averagePool", inputs: [value], size: [7, 7], stride: [2, 2] });
  push({ name: "features", op: "flatten", inputs: ["pool"] });
  push({ name: "scores", op: "dense", inputs: ["features"], weight: "fc/weights", bias: "fc/bias" });
  const input = { name: "face", channels: 3, height: 112, width: 112 };
  return { input, nodes, outputs: { logits: "scores", embedding: "features" } };
}

interface ExpressionNet {
  loadFromDisk(folder: string): Promise<void>;
  forward(face: tf.Tensor4D): Promise<tf.Tensor>;
}

function reshape(this: tf.Tensor, ...shape: number[]): tf.Tensor {
  return tf.reshape(this, shape);
}

const ask = (name: string): unknown => (name.startsWith("@tensorflow/") ? tf : require(name));

/** The library itself, on this process's tfjs: its own builds for Node want a package of native code. */
async function openTheirs(): Promise<ExpressionNet> {
  await tf.setBackend("cpu");
  const path = join(faceApi, "dist/face-api.node-wasm.js");
  // Methods that the whole of tfjs adds to its tensors.
  Object.assign(tf.Tensor.prototype, { as2D: reshape, as3D: reshape, as4D: reshape });
  for (const name of ["sub", "div", "toFloat", "mean", "expandDims", "squeeze"] as const) {
    const method: unknown = Reflect.get(tf, name);
    if (typeof method !== "function") continue;
    Reflect.set(tf.Tensor.prototype, name, function (this: tf.Tensor, ...rest: unknown[]): unknown {
      return Reflect.apply(method, undefined, [this, ...rest]);
    });
  }
  const theirs: { exports: { FaceExpressionNet?: new () => ExpressionNet } } = { exports: {} };
  const load: unknown = runInThisContext(Module.wrap(await readFile(path, "utf8")));
  if (typeof load !== "function") throw new TypeError("a module is a function");
  load(theirs.exports, ask, theirs, path, dirname(path));
  const net = new theirs.exports.FaceExpressionNet!();
  await net.loadFromDisk(join(faceApi, "model"));
  return net;
}

it("is imported by command with a described graph, gives what the library gives, and scores a folder", async () => {
  await writeFile(join(folder, "graph.json"), JSON.stringify(describeNetwork()));
  const mean = [122.782, 117.001, 104.298].map((level) => level / 255).join(",");
  const file = join(faceApi, "model/face_expression_model-weights_manifest.json");
  const common = ["--name", "face-api", "--labels", LABELS.join(","), "--mean", mean, "--license", "MIT"];
  const bare = await runCli("models", "import", file, ...common);
  expect([bare.code, bare.stderr]).not.toEqual([0, ""]);
  expect(bare.stderr).toContain("the file has weights and no network");
  const { code, stdout } = await runCli("models", "import", file, "--graph", "graph.json", ...common);
  expect(code).toBe(0);
  expect(stdout).toContain("input           112 × 112 rgb");
  // One byte each in the file, but four for the 1,927 of the biases: 329,468 bytes.
  expect(stdout).toContain("parameters      323,687\n");

  const model = await createRegistry(await listFolderModels(join(folder, "models"))).load("face-api");
  const dice = createDice(9);
  const count = 3;
  const bytes = 112 * 112 * 3;
  const pixels = Uint8Array.from({ length: count * bytes }, () => dice.roll(256));
  const theirs = await openTheirs();
  const expected: number[] = [];
  for (let face = 0; face < count; face += 1) {
    const levels = Float32Array.from(pixels.subarray(face * bytes, (face + 1) * bytes));
    expected.push(...(await (await theirs.forward(tf.tensor4d(levels, [1, 112, 112, 3]))).data()));
  }
  expect(expected).toHaveLength(count * 7);
  const classifier = await createNodeClassifier(model, "fused");
  const { probabilities, embedding } = await classifier.classify(pixels, count);
  classifier.dispose();
  for (const [i, value] of expected.entries()) expect(Math.abs(value - probabilities[i]!)).toBeLessThan(1e-4);
  expect(embedding).toHaveLength(count * 256);

  await mkdir(join(folder, "faces"));
  await cp(join(portraits, "1.jpg"), join(folder, "faces/1.jpg"));
  const scored = await runCli("score", "faces", "--model", "face-api", "--formats", "jsonl", "--threads", "1");
  expect(scored.stdout).toContain("1 images: 1 scored.");
  expect(scored.stdout).toContain("face-api@1 on graph-wasm");
});
