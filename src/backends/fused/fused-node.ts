/** The fused engine in Node: the binaries beside this file. */

import { readFile } from "node:fs/promises";
import type { Classifier } from "../../model/classifier.ts";
import type { Model } from "../../model/model.ts";
import { createFusedClassifier, FUSED_BINARIES, type FusedEngine, type FusedOptions } from "./fused-classifier.ts";

/**
 * The fused engine with fused multiply-add where this Node has relaxed SIMD (≥ 21), else with plain SIMD.
 * @throws ScoringError `model_invalid`, `engine_unavailable`
 */
export async function createFusedNodeClassifier(model: Model, options: FusedOptions = {}): Promise<Classifier> {
  if (options.engine !== "fused-wasm-simd") {
    const relaxed = await readBinary("fused-wasm-relaxed");
    if (options.engine === "fused-wasm-relaxed" || WebAssembly.validate(relaxed)) {
      return createFusedClassifier(await WebAssembly.compile(relaxed), model, "fused-wasm-relaxed");
    }
  }
  return createFusedClassifier(
    await WebAssembly.compile(await readBinary("fused-wasm-simd")),
    model,
    "fused-wasm-simd",
  );
}

async function readBinary(engine: FusedEngine): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await readFile(new URL(FUSED_BINARIES[engine], import.meta.url)));
}
