/** The engines of a browser, each behind one call. Their code is loaded when they are started. */

import { ScoringError } from "../../../src/errors.ts";
import type { Classifier } from "../../../src/model/classifier.ts";
import { createHogSvmClassifier } from "../../../src/model/hog-svm.ts";
import type { Model } from "../../../src/model/model.ts";
import { FUSED_URLS, GRAPH_URLS, TFJS_WASM_URLS } from "./assets.ts";
import type { BrowserEngine } from "./engine-names.ts";

/** An engine that runs. */
export interface StartedEngine {
  readonly classifier: Classifier;
  /** What it runs on, in a few words. */
  readonly detail: string;
}

/**
 * Starts one engine.
 * @param options.hardwareOnly WebGPU only on a GPU, not on software that emulates one
 * @throws ScoringError `engine_unavailable`, `model_invalid`
 */
export async function startEngine(
  engine: BrowserEngine,
  model: Model,
  options: { readonly hardwareOnly?: boolean } = {},
): Promise<StartedEngine> {
  if (model.card.family === "hog-svm") {
    if (engine !== "webgpu") return { classifier: createHogSvmClassifier(model), detail: "a linear model: plain code" };
    throw new ScoringError("engine_unavailable", "a linear model has nothing for a GPU to do");
  }
  switch (engine) {
    case "webgpu": {
      const { createTfjsWebgpuClassifier } = await import("../../../src/backends/tfjs-webgpu.ts");
      const start = await createTfjsWebgpuClassifier(model, options);
      if (start.kind === "unavailable") throw new ScoringError("engine_unavailable", start.reason);
      return { classifier: start.classifier, detail: `TensorFlow.js on the GPU (${start.adapter})` };
    }
    case "fused-wasm": {
      if (model.card.family === "graph") {
        const { createGraphBrowserClassifier } = await import("../../../src/backends/graph/graph-browser.ts");
        const classifier = await createGraphBrowserClassifier(model, GRAPH_URLS);
        return { classifier, detail: `any network in one module, ${describeBuild(classifier.engine)}` };
      }
      const { createFusedBrowserClassifier } = await import("../../../src/backends/fused/fused-browser.ts");
      const classifier = await createFusedBrowserClassifier(model, FUSED_URLS);
      return { classifier, detail: `the whole network in one module, ${describeBuild(classifier.engine)}` };
    }
    case "wasm-threads":
      return startTfjsWasm(model, "threaded-simd");
    case "wasm-simd":
      return startTfjsWasm(model, "simd");
    default:
      return startTfjsWasm(model, "plain");
  }
}

function describeBuild(engine: string): string {
  return engine.endsWith("relaxed") ? "with fused multiply-add" : "plain SIMD: no relaxed SIMD here";
}

async function startTfjsWasm(model: Model, build: "threaded-simd" | "simd" | "plain"): Promise<StartedEngine> {
  const { createTfjsWasmBrowserClassifier } = await import("../../../src/backends/tfjs-wasm-browser.ts");
  const classifier = await createTfjsWasmBrowserClassifier(model, { urls: TFJS_WASM_URLS, build });
  return { classifier, detail: `TensorFlow.js, ${classifier.engine}` };
}
