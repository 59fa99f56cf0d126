/** The face finder in workerd: weights from the bundle, on tfjs-backend-wasm. */

import card from "../../models/faces/tiny-face@1/card.json" with { type: "json" };
import weights from "../../models/faces/tiny-face@1/weights.safetensors";
import type { FaceFinder } from "../model/face-finder.ts";
import { loadTinyFaceModel } from "../model/tiny-face-model.ts";
import { startTfjsWasmWorkerd } from "./tfjs-wasm-workerd.ts";
import { WASM_BACKEND } from "./tfjs-wasm.ts";
import { createTinyFaceFinder, type FaceFinderOptions } from "./tiny-face-finder.ts";

/** @throws ScoringError `engine_unavailable`, `model_invalid`, `model_hash_mismatch` */
export async function createFaceFinderWorkerd(options: FaceFinderOptions = {}): Promise<FaceFinder> {
  const model = await loadTinyFaceModel(card, new Uint8Array(weights));
  await startTfjsWasmWorkerd();
  return createTinyFaceFinder(model, WASM_BACKEND, options);
}
