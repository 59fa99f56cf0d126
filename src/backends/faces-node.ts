/** The face finder in Node: weights from the repository's models/, on tfjs-backend-wasm. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { FaceFinder } from "../model/face-finder.ts";
import { loadBlazeFaceModel } from "../model/blazeface-model.ts";
import { startTfjsWasmNode } from "./tfjs-wasm-node.ts";
import { WASM_BACKEND } from "./tfjs-wasm.ts";
import { createBlazeFaceFinder } from "./blazeface-finder.ts";
import { buildBlazeFaceTfjs } from "./blazeface-tfjs.ts";

const FOLDER = new URL("../../models/faces/blazeface@1/", import.meta.url);

/** @throws ScoringError `engine_unavailable`, `model_invalid`, `model_hash_mismatch` */
export async function createFaceFinderNode(): Promise<FaceFinder> {
  const [card, weights] = await Promise.all([
    readFile(fileURLToPath(new URL("card.json", FOLDER)), "utf8"),
    readFile(fileURLToPath(new URL("weights.safetensors", FOLDER))),
  ]);
  const model = await loadBlazeFaceModel(JSON.parse(card), weights);
  await startTfjsWasmNode();
  return createBlazeFaceFinder(model.id, await buildBlazeFaceTfjs(model.tensors, WASM_BACKEND));
}
