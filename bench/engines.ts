/** Every engine behind one shape: bytes in, probabilities out, one thread. */

import type { Classifier } from "../src/model/classifier.ts";
import { FACE_PIXELS, FACE_SIZE } from "../src/model/labels.ts";
import type { Model } from "../src/model/model.ts";
import { createFusedNodeClassifier } from "../src/backends/fused/fused-node.ts";
import { createTfjsWasmNodeClassifier } from "../src/backends/tfjs-wasm-node.ts";
import { exportOnnx } from "../src/model/export/export-onnx.ts";

/** An engine loaded for one batch size. */
export interface Engine {
  /** Probabilities [count, 7]. */
  score(pixels: Uint8Array, count: number): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** How to load one. */
export interface EngineEntry {
  readonly name: string;
  /** What runs where, for the table's notes. */
  readonly note: string;
  load(model: Model, batch: number): Promise<Engine>;
}

function wrapClassifier(classifier: Classifier): Engine {
  return {
    score: async (pixels, count) => (await classifier.classify(pixels, count)).probabilities,
    dispose: async () => classifier.dispose(),
  };
}

async function loadOrtWeb(model: Model): Promise<Engine> {
  const ort = await import("onnxruntime-web");
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(exportOnnx(model), {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
  });
  return {
    async score(pixels, count) {
      const input = pixels.subarray(0, count * FACE_PIXELS);
      const feed = { pixels: new ort.Tensor("uint8", input, [count, 1, FACE_SIZE, FACE_SIZE]) };
      const data = (await session.run(feed))["probabilities"]?.data;
      if (!(data instanceof Float32Array)) throw new Error("onnxruntime-web gave no probabilities");
      return data;
    },
    dispose: () => session.release(),
  };
}

async function loadOrtNode(model: Model): Promise<Engine> {
  const ort = await import("onnxruntime-node");
  const session = await ort.InferenceSession.create(exportOnnx(model), {
    executionProviders: ["cpu"],
    graphOptimizationLevel: "all",
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: "sequential",
  });
  return {
    async score(pixels, count) {
      const input = pixels.subarray(0, count * FACE_PIXELS);
      const feed = { pixels: new ort.Tensor("uint8", input, [count, 1, FACE_SIZE, FACE_SIZE]) };
      const data = (await session.run(feed))["probabilities"]?.data;
      if (!(data instanceof Float32Array)) throw new Error("onnxruntime-node gave no probabilities");
      return data;
    },
    dispose: () => session.release(),
  };
}

/** In the order of the table. */
export const ENGINES: readonly EngineEntry[] = [
  {
    name: "fused-wasm-relaxed",
    note: "this project; wasm with relaxed SIMD",
    load: async (model) => wrapClassifier(await createFusedNodeClassifier(model, { engine: "fused-wasm-relaxed" })),
  },
  {
    name: "fused-wasm-simd",
    note: "this project; wasm with SIMD",
    load: async (model) => wrapClassifier(await createFusedNodeClassifier(model, { engine: "fused-wasm-simd" })),
  },
  {
    name: "tfjs-backend-wasm",
    note: "@tensorflow/tfjs-backend-wasm, SIMD, one thread",
    load: async (model, batchSize) => wrapClassifier(await createTfjsWasmNodeClassifier(model, { batchSize })),
  },
  { name: "onnxruntime-web", note: "wasm, SIMD, one thread", load: loadOrtWeb },
  { name: "onnxruntime-node", note: "native CPU provider, one thread", load: loadOrtNode },
];
