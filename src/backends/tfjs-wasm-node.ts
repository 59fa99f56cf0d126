/** tfjs-backend-wasm in Node: the SIMD binary from the package on disk. */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Classifier } from "../model/classifier.ts";
import type { Model } from "../model/model.ts";
import { createWasmClassifier, startWasmBackend, type WasmOptions, type WasmProof } from "./tfjs-wasm.ts";

const BINARY = "@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm";

/** A classifier on tfjs-backend-wasm with SIMD, one thread. @throws ScoringError `engine_unavailable`, `model_invalid` */
export function createTfjsWasmNodeClassifier(model: Model, options: WasmOptions = {}): Promise<Classifier> {
  return createWasmClassifier(model, loadSimdModule, options);
}

/** Starts the backend without a model; says which module runs. @throws ScoringError `engine_unavailable` */
export function startTfjsWasmNode(): Promise<WasmProof> {
  return startWasmBackend(loadSimdModule);
}

async function loadSimdModule(): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await readFile(createRequire(import.meta.url).resolve(BINARY)));
}
