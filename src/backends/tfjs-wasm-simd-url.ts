/** tfjs-backend-wasm in a browser, one thread: the SIMD binary from an address. */

import type { Classifier } from "../model/classifier.ts";
import type { Model } from "../model/model.ts";
import { createWasmClassifier } from "./tfjs-wasm.ts";

/** A classifier on tfjs-backend-wasm with SIMD. @throws ScoringError `engine_unavailable`, `model_invalid` */
export function createTfjsWasmUrlClassifier(model: Model, url: URL): Promise<Classifier> {
  return createWasmClassifier(model, () => WebAssembly.compileStreaming(fetch(url)));
}
