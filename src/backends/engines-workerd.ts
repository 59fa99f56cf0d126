/** The engines of workerd, by the name of the configuration and the family of the model. */

import type { Classifier } from "../model/classifier.ts";
import { createHogSvmClassifier } from "../model/hog-svm.ts";
import type { Model } from "../model/model.ts";
import { createClassifier } from "../model/registry.ts";
import type { EngineName, EngineTables, OpenClassifier } from "./engine-table.ts";
import { fitsFusedKernel } from "./fused/fused-form.ts";
import { createFusedWorkerdClassifier } from "./fused/fused-workerd.ts";
import { createGraphWorkerdClassifier } from "./graph/graph-workerd.ts";
import { createTfjsWasmWorkerdClassifier } from "./tfjs-wasm-workerd.ts";

const openNetwork: OpenClassifier = (model) =>
  fitsFusedKernel(model.card) ? createFusedWorkerdClassifier(model) : createGraphWorkerdClassifier(model);

/** A linear model has one engine, whatever the network runs on. */
const TABLES: EngineTables = {
  tfjs: {
    "deep-emotion": createTfjsWasmWorkerdClassifier,
    "hog-svm": createHogSvm,
    graph: createTfjsWasmWorkerdClassifier,
  },
  fused: {
    "deep-emotion": openNetwork,
    "hog-svm": createHogSvm,
    graph: openNetwork,
  },
};

async function createHogSvm(model: Model): Promise<Classifier> {
  return createHogSvmClassifier(model);
}

/** A classifier of `model` on one of the engines. @throws ScoringError `engine_unavailable`, `model_invalid` */
export function createWorkerdClassifier(model: Model, engine: EngineName): Promise<Classifier> {
  return createClassifier(model, TABLES[engine]);
}
