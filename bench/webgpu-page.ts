/** Runs inside Chromium: the engines that a browser's GPU offers, and the fused one beside them, as functions of the page. */

import * as ort from "onnxruntime-web/webgpu";
import { createFusedBrowserClassifier } from "../src/backends/fused/fused-browser.ts";
import { createTfjsWebgpuClassifier } from "../src/backends/tfjs-webgpu.ts";
import { FACE_PIXELS, FACE_SIZE, LABEL_COUNT } from "../src/model/labels.ts";
import type { Model } from "../src/model/model.ts";
import { createReaderSource, createRegistry } from "../src/model/registry.ts";
import { exportOnnx } from "../src/model/export/export-onnx.ts";

type Score = (pixels: Uint8Array, count: number) => Promise<Float32Array>;

/** What one engine did. */
export interface PageRate {
  readonly engine: string;
  readonly batch: number;
  /** Faces a second by the wall clock: a GPU's time is nobody's CPU. */
  readonly median: number;
  readonly best: number;
  /** Largest difference of a probability from the fused engine's. */
  readonly deviation: number;
}

async function readFile(path: string): Promise<Uint8Array> {
  return new Uint8Array(await (await fetch(path)).arrayBuffer());
}

async function loadEngines(model: Model, batch: number): Promise<[string, Score][]> {
  const fused = await createFusedBrowserClassifier(model, {
    "fused-wasm-simd": "/deep-emotion.wasm",
    "fused-wasm-relaxed": "/deep-emotion-relaxed.wasm",
  });
  const tfjs = await createTfjsWebgpuClassifier(model, { batchSize: batch });
  if (tfjs.kind === "unavailable") throw new Error(tfjs.reason);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = "/ort/";
  const session = await ort.InferenceSession.create(exportOnnx(model), { executionProviders: ["webgpu"] });
  const run: Score = async (pixels, count) => {
    const feed = { pixels: new ort.Tensor("uint8", pixels, [count, 1, FACE_SIZE, FACE_SIZE]) };
    const data = (await session.run(feed))["probabilities"]?.data;
    if (!(data instanceof Float32Array)) throw new Error("onnxruntime-web gave no probabilities");
    return data;
  };
  return [
    [
      "fused-wasm in Chromium, one thread",
      async (pixels, count) => (await fused.classify(pixels, count)).probabilities,
    ],
    ["tfjs-backend-webgpu", async (pixels, count) => (await tfjs.classifier.classify(pixels, count)).probabilities],
    ["onnxruntime-web, webgpu", run],
  ];
}

async function measure(id: string, batches: readonly number[], seconds: number): Promise<PageRate[]> {
  const registry = createRegistry([createReaderSource({ read: (path) => readFile(`/models/${path}`) }, id)]);
  const model = await registry.load(id);
  const faces = await readFile("/faces");
  const rates: PageRate[] = [];
  for (const batch of batches) {
    const pixels = new Uint8Array(batch * FACE_PIXELS);
    for (let at = 0; at < pixels.length; at += faces.length) pixels.set(faces.subarray(0, pixels.length - at), at);
    let truth = new Float32Array();
    for (const [engine, score] of await loadEngines(model, batch)) {
      const first = (await score(pixels, batch)).slice();
      if (truth.length === 0) truth = first;
      const times: number[] = [];
      for (const end = performance.now() + 1000 * seconds; times.length < 3 || performance.now() < end;) {
        const start = performance.now();
        await score(pixels, batch);
        times.push(performance.now() - start);
      }
      times.sort((a, b) => a - b);
      rates.push({
        engine,
        batch,
        median: (1000 * batch) / (times[times.length >> 1] ?? Number.NaN),
        best: (1000 * batch) / (times[0] ?? Number.NaN),
        deviation: first
          .subarray(0, batch * LABEL_COUNT)
          .reduce((top, p, i) => Math.max(top, Math.abs(p - truth[i]!)), 0),
      });
    }
  }
  return rates;
}

/** The GPU's name; `null` where there is none, or only a CPU that plays one. */
async function findGpu(): Promise<string | null> {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  const { vendor = "", architecture = "" } = adapter?.info ?? {};
  if (!adapter || architecture === "swiftshader" || adapter.info.isFallbackAdapter) return null;
  return [vendor, architecture].filter(Boolean).join(" ");
}

/** What the page offers to webgpu.ts. */
export interface WebgpuPage {
  findGpu(): Promise<string | null>;
  /** Every engine at every batch size, the fused one first: what the others are compared with. */
  measure(id: string, batches: readonly number[], seconds: number): Promise<PageRate[]>;
}

Object.assign(globalThis, { webgpu: { findGpu, measure } satisfies WebgpuPage });
