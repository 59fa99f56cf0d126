/** The engines of Node, by name and family of model. */

import type { Classifier } from "../model/classifier.ts";
import { createHogSvmClassifier } from "../model/hog-svm.ts";
import type { Model } from "../model/model.ts";
import { createClassifier, type EngineTable } from "../model/registry.ts";
import { createFusedNodeClassifier } from "./fused/fused-node.ts";
import { createGraphNodeClassifier } from "./graph/graph-node.ts";

/** Names of the engines, the fastest first. */
export const LOCAL_ENGINES = ["fused", "tfjs"] as const;
/** One of {@link LOCAL_ENGINES}. */
export type LocalEngine = (typeof LOCAL_ENGINES)[number];

// tfjs is a third of what a thread loads, and most runs do not need it, so it is imported where it is used.
const TABLES: Readonly<Record<LocalEngine, EngineTable>> = {
  fused: {
    "deep-emotion": (model) => createFusedNodeClassifier(model),
    "hog-svm": async (model) => createHogSvmClassifier(model),
    graph: (model) => createGraphNodeClassifier(model),
  },
  tfjs: {
    "deep-emotion": async (model) => (await import("./tfjs-wasm-node.ts")).createTfjsWasmNodeClassifier(model),
    "hog-svm": async (model) => createHogSvmClassifier(model),
    graph: async (model) => (await import("./tfjs-wasm-node.ts")).createTfjsWasmNodeClassifier(model),
  },
};

/** A classifier of `model` on one of the engines. @throws ScoringError `engine_unavailable`, `model_invalid` */
export function createNodeClassifier(model: Model, engine: LocalEngine): Promise<Classifier> {
  return createClassifier(model, TABLES[engine]);
}
