/** The face finder in Node: weights from the repository's models/, on tfjs-backend-wasm. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { FaceFinder } from "../model/face-finder.ts";
import { loadTinyFaceModel } from "../model/tiny-face-model.ts";
import { startTfjsWasmNode } from "./tfjs-wasm-node.ts";
import { WASM_BACKEND } from "./tfjs-wasm.ts";
import { createTinyFaceFinder, type FaceFinderOptions } from "./tiny-face-finder.ts";

const FOLDER = new URL("../../models/faces/tiny-face@1/", import.meta.url);

/** @throws ScoringError `engine_unavailable`, `model_invalid`, `model_hash_mismatch` */
export async function createFaceFinderNode(options: FaceFinderOptions = {}): Promise<FaceFinder> {
  const [card, weights] = await Promise.all([
    readFile(fileURLToPath(new URL("card.json", FOLDER)), "utf8"),
    readFile(fileURLToPath(new URL("weights.safetensors", FOLDER))),
  ]);
  const model = await loadTinyFaceModel(JSON.parse(card), weights);
  await startTfjsWasmNode();
  return createTinyFaceFinder(model, WASM_BACKEND, options);
}
