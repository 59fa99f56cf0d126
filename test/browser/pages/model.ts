/** Runs inside Chromium: offers the browser's engines to test/browser/model.test.ts as functions of the page. */

import * as tf from "@tensorflow/tfjs-core";
import { createGraphBrowserEngine } from "../../../src/backends/graph/graph-browser.ts";
import type { GraphEngineName } from "../../../src/backends/graph/kernel.ts";
import { createTfjsGraphEngine } from "../../../src/backends/tfjs-graph.ts";
import {
  createTfjsWasmBrowserClassifier,
  startTfjsWasmBrowser,
  type WasmUrls,
} from "../../../src/backends/tfjs-wasm-browser.ts";
import { WASM_BACKEND } from "../../../src/backends/tfjs-wasm.ts";
import { createTfjsWebgpuClassifier } from "../../../src/backends/tfjs-webgpu.ts";
import type { Classifier } from "../../../src/model/classifier.ts";
import type { Model } from "../../../src/model/model.ts";
import { compareScores, listDisagreements } from "../../contract/classifier-agreement.ts";
import { checkOperators } from "../../contract/operator-network.ts";
import { drawFaces, FACE_COUNT, listGoldenCases } from "../../golden/network.ts";

const urls: WasmUrls = {
  plain: "/plain.wasm",
  simd: "/simd.wasm",
  threadedSimd: "/threaded-simd.wasm",
  threadGlue: "/thread-glue.js",
  threadScript: "/thread.js",
};

const graphs = { "graph-wasm-simd": "/graph.wasm", "graph-wasm-relaxed": "/graph-relaxed.wasm" };

/** What one engine did on golden cases. */
export interface Result {
  readonly engine: string;
  readonly cases: number;
  /** Largest difference of a probability. */
  readonly worst: number;
  readonly disagreements: readonly string[];
  /** Tensors alive behind all cases; 0 unless something leaks. */
  readonly tensors: number;
}

async function runCases(create: (model: Model) => Promise<Classifier>, limit: number): Promise<Result> {
  const cases = listGoldenCases().slice(0, limit);
  const disagreements: string[] = [];
  let worst = 0;
  let engine = "";
  const before = tf.engine().state.numTensors;
  for (const { model, expected } of cases) {
    const classifier = await create(model);
    engine = classifier.engine;
    const scores = await classifier.classify(drawFaces(), FACE_COUNT);
    disagreements.push(...listDisagreements(scores, expected));
    worst = Math.max(worst, compareScores(scores, expected).worst);
    classifier.dispose();
  }
  return { engine, cases: cases.length, worst, disagreements, tensors: tf.engine().state.numTensors - before };
}

async function createGpu(model: Model): Promise<Classifier> {
  const start = await createTfjsWebgpuClassifier(model, { batchSize: FACE_COUNT });
  if (start.kind === "unavailable") throw new Error(start.reason);
  return start.classifier;
}

/** Destroys the device as a driver reset would, and tells what `classify` throws, and whether a new start works. */
async function loseDevice(): Promise<{ code: string; recovered: boolean }> {
  const [golden] = listGoldenCases();
  if (golden === undefined) throw new Error("no golden case");
  const devices: GPUDevice[] = [];
  // oxlint-disable-next-line typescript/unbound-method -- the proxy passes the adapter on as `this`
  GPUAdapter.prototype.requestDevice = new Proxy(GPUAdapter.prototype.requestDevice, {
    async apply(request, adapter, args) {
      const device: GPUDevice = await Reflect.apply(request, adapter, args);
      devices.push(device);
      return device;
    },
  });
  const classifier = await createGpu(golden.model);
  devices[0]?.destroy();
  await devices[0]?.lost;
  let code = "none";
  try {
    await classifier.classify(drawFaces(), FACE_COUNT);
  } catch (error) {
    code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
  const again = await createGpu(golden.model);
  const scores = await again.classify(drawFaces(), FACE_COUNT);
  classifier.dispose();
  again.dispose();
  return { code, recovered: listDisagreements(scores, golden.expected).length === 0 };
}

const engines = {
  isolated: () => globalThis.crossOriginIsolated,
  wasm: () => runCases((model) => createTfjsWasmBrowserClassifier(model, { urls }), 8),
  plain: () => runCases((model) => createTfjsWasmBrowserClassifier(model, { urls, build: "plain" }), 8),
  threads: () => {
    // The binary caps what it is asked for by the cores it sees; a test machine may have two.
    Object.defineProperty(navigator, "hardwareConcurrency", { value: 8, configurable: true });
    return runCases((model) => createTfjsWasmBrowserClassifier(model, { urls, build: "threaded-simd", threads: 2 }), 8);
  },
  webgpu: () => runCases(createGpu, 1),
  operatorsOnWasm: async () => {
    await startTfjsWasmBrowser({ urls });
    return checkOperators((network) => createTfjsGraphEngine(network, WASM_BACKEND));
  },
  operatorsOnWebgpu: async () => {
    // Its device is one that a classifier has started.
    const classifier = await createGpu(listGoldenCases()[0]!.model);
    const found = await checkOperators((network) => createTfjsGraphEngine(network, "webgpu"));
    classifier.dispose();
    return found;
  },
  operatorsOnSimd: (engine: GraphEngineName) =>
    checkOperators((network) => createGraphBrowserEngine(network, graphs, engine)),
  unavailable: async () => {
    Object.defineProperty(navigator, "gpu", { value: { requestAdapter: async () => null }, configurable: true });
    const [golden] = listGoldenCases();
    if (golden === undefined) throw new Error("no golden case");
    return createTfjsWebgpuClassifier(golden.model);
  },
  hardwareOnly: async () => {
    const [golden] = listGoldenCases();
    if (golden === undefined) throw new Error("no golden case");
    const start = await createTfjsWebgpuClassifier(golden.model, { hardwareOnly: true });
    return start.kind === "ready" ? start.kind : start.reason;
  },
  loseDevice,
};

/** What the test may call. */
export type Engines = typeof engines;

Object.assign(globalThis, { engines });
