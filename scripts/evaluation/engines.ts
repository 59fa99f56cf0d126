import { createTfjsWasmNodeClassifier } from "../../src/backends/tfjs-wasm-node.ts";
import type { Classifier } from "../../src/model/classifier.ts";
import type { Model } from "../../src/model/model.ts";
import { createOracle } from "../../src/model/oracle.ts";

/** Engines that run here. */
export const ENGINES = ["tfjs-wasm", "oracle"] as const;
/** One of {@link ENGINES}. */
export type EngineName = (typeof ENGINES)[number];

/** Builds the classifier of a model's family; families with one engine ignore the choice. */
export async function openEngine(model: Model, engine: EngineName): Promise<Classifier> {
  return engine === "oracle" ? createOracle(model) : createTfjsWasmNodeClassifier(model);
}
