/** The engines of a browser, each behind one call. Their code is loaded when they are started. */

import { ScoringError } from "../../../src/errors.ts";
import { fitsFusedKernel } from "../../../src/backends/fused/fused-form.ts";
import type { Family } from "../../../src/model/card.ts";
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

type StartEngine = (model: Model, hardwareOnly: boolean) => Promise<StartedEngine>;

const startLinear: StartEngine = async (model) => ({
  classifier: createHogSvmClassifier(model),
  detail: "a linear model: plain code",
});

const startWebgpu: StartEngine = async (model, hardwareOnly) => {
  const { createTfjsWebgpuClassifier } = await import("../../../src/backends/tfjs-webgpu.ts");
  const start = await createTfjsWebgpuClassifier(model, { hardwareOnly });
  if (start.kind === "unavailable") throw new ScoringError("engine_unavailable", start.reason);
  return { classifier: start.classifier, detail: `TensorFlow.js on the GPU (${start.adapter})` };
};

const startSimd: StartEngine = async (model) => {
  if (!fitsFusedKernel(model.card)) return startGraph(model);
  const { createFusedBrowserClassifier } = await import("../../../src/backends/fused/fused-browser.ts");
  const classifier = await createFusedBrowserClassifier(model, FUSED_URLS);
  return { classifier, detail: `the whole network in one module, ${describeBuild(classifier.engine)}` };
};

async function startGraph(model: Model): Promise<StartedEngine> {
  const { createGraphBrowserClassifier } = await import("../../../src/backends/graph/graph-browser.ts");
  const classifier = await createGraphBrowserClassifier(model, GRAPH_URLS);
  return { classifier, detail: `any network in one module, ${describeBuild(classifier.engine)}` };
}

/** Every family on every engine. */
const TABLES: { readonly [E in BrowserEngine]: { readonly [F in Family]: StartEngine } } = {
  webgpu: {
    "deep-emotion": startWebgpu,
    "hog-svm": () =>
      Promise.reject(new ScoringError("engine_unavailable", "a linear model has nothing for a GPU to do")),
    graph: startWebgpu,
  },
  "fused-wasm": { "deep-emotion": startSimd, "hog-svm": startLinear, graph: startSimd },
  "wasm-threads": startTfjs("threaded-simd"),
  "wasm-simd": startTfjs("simd"),
  wasm: startTfjs("plain"),
};

/**
 * Starts one engine.
 * @param options.hardwareOnly WebGPU only on a GPU, not on software that emulates one
 * @throws ScoringError `engine_unavailable`, `model_invalid`
 */
export function startEngine(
  engine: BrowserEngine,
  model: Model,
  options: { readonly hardwareOnly?: boolean } = {},
): Promise<StartedEngine> {
  return TABLES[engine][model.card.family](model, options.hardwareOnly ?? false);
}

function describeBuild(engine: string): string {
  return engine.endsWith("relaxed") ? "with fused multiply-add" : "plain SIMD: no relaxed SIMD here";
}

function startTfjs(build: "threaded-simd" | "simd" | "plain"): { readonly [F in Family]: StartEngine } {
  const start: StartEngine = async (model) => {
    const { createTfjsWasmBrowserClassifier } = await import("../../../src/backends/tfjs-wasm-browser.ts");
    const classifier = await createTfjsWasmBrowserClassifier(model, { urls: TFJS_WASM_URLS, build });
    return { classifier, detail: `TensorFlow.js, ${classifier.engine}` };
  };
  return { "deep-emotion": start, "hog-svm": startLinear, graph: start };
}
