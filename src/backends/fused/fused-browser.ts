/** The fused engine in a page or a web worker: binaries fetched from the same origin. */

import { ScoringError } from "../../errors.ts";
import type { Classifier } from "../../model/classifier.ts";
import type { Model } from "../../model/model.ts";
import { createFusedClassifier, type FusedEngine, type FusedOptions } from "./fused-classifier.ts";

/** Addresses of the two binaries: a bundler's `new URL("deep-emotion.wasm", import.meta.url)` or a served path. */
export type FusedAddresses = Readonly<Record<FusedEngine, string | URL>>;

/**
 * The fused engine with fused multiply-add where the browser has relaxed SIMD, else with plain SIMD.
 * @throws ScoringError `engine_unavailable` if a binary cannot be had, `model_invalid`
 */
export async function createFusedBrowserClassifier(
  model: Model,
  addresses: FusedAddresses,
  options: FusedOptions = {},
): Promise<Classifier> {
  if (options.engine !== "fused-wasm-simd") {
    const relaxed = await fetchBinary(addresses["fused-wasm-relaxed"]);
    if (options.engine === "fused-wasm-relaxed" || WebAssembly.validate(relaxed)) {
      return createFusedClassifier(await WebAssembly.compile(relaxed), model, "fused-wasm-relaxed");
    }
  }
  const module = await WebAssembly.compile(await fetchBinary(addresses["fused-wasm-simd"]));
  return createFusedClassifier(module, model, "fused-wasm-simd");
}

async function fetchBinary(address: string | URL): Promise<ArrayBuffer> {
  const response = await fetch(address);
  if (!response.ok) throw new ScoringError("engine_unavailable", `${address}: answered ${response.status}`);
  return response.arrayBuffer();
}
