/** The engines of Node, by name and family of model. */

import type { Classifier } from "../model/classifier.ts";
import { createHogSvmClassifier } from "../model/hog-svm.ts";
import type { Model } from "../model/model.ts";
import { createClassifier } from "../model/registry.ts";
import type { EngineName, EngineTables, OpenClassifier } from "./engine-table.ts";
import { fitsFusedKernel } from "./fused/fused-form.ts";
import { createFusedNodeClassifier } from "./fused/fused-node.ts";
import { createGraphNodeClassifier } from "./graph/graph-node.ts";

const openNetwork: OpenClassifier = (model) =>
  fitsFusedKernel(model.card) ? createFusedNodeClassifier(model) : createGraphNodeClassifier(model);
// tfjs is a third of what a thread loads, and most runs do not need it, so it is imported where it is used.
const openTfjs: OpenClassifier = async (model) =>
  (await import("./tfjs-wasm-node.ts")).createTfjsWasmNodeClassifier(model);
const openHogSvm: OpenClassifier = async (model) => createHogSvmClassifier(model);

const TABLES: EngineTables = {
  fused: {
    "deep-emotion": openNetwork,
    "hog-svm": openHogSvm,
    graph: openNetwork,
  },
  tfjs: {
    "deep-emotion": openTfjs,
    "hog-svm": openHogSvm,
    graph: openTfjs,
  },
};

/** A classifier of `model` on one of the engines. @throws ScoringError `engine_unavailable`, `model_invalid` */
export function createNodeClassifier(model: Model, engine: EngineName): Promise<Classifier> {
  return createClassifier(model, TABLES[engine]);
}
