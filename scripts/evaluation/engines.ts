import { createNodeClassifier } from "../../src/backends/engines-node.ts";
import type { Classifier } from "../../src/model/classifier.ts";
import type { Model } from "../../src/model/model.ts";
import { createOracle } from "../../src/model/oracle.ts";

/** Engines that run here. */
export const ENGINES = ["tfjs-wasm", "fused", "oracle"] as const;
/** One of {@link ENGINES}. */
export type EngineName = (typeof ENGINES)[number];

/** Builds the classifier of a model; the linear family has one engine, whatever is chosen. */
export async function openEngine(model: Model, engine: EngineName): Promise<Classifier> {
  if (engine === "oracle" && model.card.family !== "hog-svm") return createOracle(model);
  return createNodeClassifier(model, engine === "tfjs-wasm" ? "tfjs" : "fused");
}
