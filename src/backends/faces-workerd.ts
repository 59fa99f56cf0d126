/** The face finder in workerd: weights from the bundle, on tfjs-backend-wasm. */

import card from "../../models/faces/blazeface@1/card.json" with { type: "json" };
import weights from "../../models/faces/blazeface@1/weights.safetensors";
import type { FaceFinder } from "../model/face-finder.ts";
import { loadBlazeFaceModel } from "../model/blazeface-model.ts";
import { startTfjsWasmWorkerd } from "./tfjs-wasm-workerd.ts";
import { WASM_BACKEND } from "./tfjs-wasm.ts";
import { createBlazeFaceFinder } from "./blazeface-finder.ts";
import { buildBlazeFaceTfjs } from "./blazeface-tfjs.ts";

/** @throws ScoringError `engine_unavailable`, `model_invalid`, `model_hash_mismatch` */
export async function createFaceFinderWorkerd(): Promise<FaceFinder> {
  const model = await loadBlazeFaceModel(card, new Uint8Array(weights));
  await startTfjsWasmWorkerd();
  return createBlazeFaceFinder(model.id, await buildBlazeFaceTfjs(model.tensors, WASM_BACKEND));
}
