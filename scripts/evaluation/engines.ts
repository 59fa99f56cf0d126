import { createFusedNodeClassifier } from "../../src/backends/fused/fused-node.ts";
import { createGraphNodeClassifier } from "../../src/backends/graph/graph-node.ts";
import { createTfjsWasmNodeClassifier } from "../../src/backends/tfjs-wasm-node.ts";
import type { Classifier } from "../../src/model/classifier.ts";
import { createHogSvmClassifier } from "../../src/model/hog-svm.ts";
import type { Model } from "../../src/model/model.ts";
import { createOracle } from "../../src/model/oracle.ts";

/** Engines that run here. */
export const ENGINES = ["tfjs-wasm", "fused", "oracle"] as const;
/** One of {@link ENGINES}. */
export type EngineName = (typeof ENGINES)[number];

/** Builds the classifier of a model's family; a family with one engine ignores the choice. */
export async function openEngine(model: Model, engine: EngineName): Promise<Classifier> {
  if (model.card.family === "hog-svm") return createHogSvmClassifier(model);
  if (engine === "oracle") return createOracle(model);
  if (model.card.family === "graph" && engine === "fused") return createGraphNodeClassifier(model);
  return engine === "fused" ? createFusedNodeClassifier(model) : createTfjsWasmNodeClassifier(model);
}
