/** The fused engine in workerd: binaries as compiled imports, since workerd compiles no bytes. */

import relaxedModule from "./deep-emotion-relaxed.wasm";
import simdModule from "./deep-emotion.wasm";
import type { Classifier } from "../../model/classifier.ts";
import type { Model } from "../../model/model.ts";
import { createFusedClassifier, type FusedOptions } from "./fused-classifier.ts";

/**
 * The fused engine; every workerd that has this compatibility date has relaxed SIMD.
 * @throws ScoringError `model_invalid`, `engine_unavailable`
 */
export function createFusedWorkerdClassifier(model: Model, options: FusedOptions = {}): Promise<Classifier> {
  const { engine = "fused-wasm-relaxed" } = options;
  return createFusedClassifier(engine === "fused-wasm-relaxed" ? relaxedModule : simdModule, model, engine);
}
