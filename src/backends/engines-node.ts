/** The engines of Node, by name and family of model. */

import type { Classifier } from "../model/classifier.ts";
import { createHogSvmClassifier } from "../model/hog-svm.ts";
import type { Model } from "../model/model.ts";
import { createClassifier } from "../model/registry.ts";
import type { EngineName, EngineTables } from "./engine-table.ts";
import { createFusedNodeClassifier } from "./fused/fused-node.ts";
import { createGraphNodeClassifier } from "./graph/graph-node.ts";

// tfjs is a third of what a thread loads, and most runs do not need it, so it is imported where it is used.
const TABLES: EngineTables = {
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
export function createNodeClassifier(model: Model, engine: EngineName): Promise<Classifier> {
  return createClassifier(model, TABLES[engine]);
}
