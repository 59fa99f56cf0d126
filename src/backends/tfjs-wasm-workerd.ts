/** tfjs-backend-wasm in workerd: the SIMD binary as a compiled import, since workerd compiles no bytes. */

import simdModule from "@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm";
import type { Classifier } from "../model/classifier.ts";
import type { Model } from "../model/model.ts";
import { createWasmClassifier, startWasmBackend, type WasmOptions, type WasmProof } from "./tfjs-wasm.ts";

/** A classifier on tfjs-backend-wasm with SIMD, one thread. @throws ScoringError `engine_unavailable`, `model_invalid` */
export function createTfjsWasmWorkerdClassifier(model: Model, options: WasmOptions = {}): Promise<Classifier> {
  return createWasmClassifier(model, loadSimdModule, options);
}

/** Starts the backend without a model; says which module runs. @throws ScoringError `engine_unavailable` */
export function startTfjsWasmWorkerd(): Promise<WasmProof> {
  return startWasmBackend(loadSimdModule);
}

async function loadSimdModule(): Promise<WebAssembly.Module> {
  return simdModule;
}
