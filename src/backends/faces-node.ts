/** The face finder in Node: weights from the repository's models/, on the graph engine. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { FaceFinder } from "../model/face-finder.ts";
import { loadBlazeFaceModel } from "../model/blazeface-model.ts";
import { createBlazeFaceFinder } from "./blazeface-finder.ts";
import { createBlazeFaceNetwork } from "./blazeface-graph.ts";
import { createGraphNodeEngine } from "./graph/graph-node.ts";

const FOLDER = new URL("../../models/faces/blazeface@1/", import.meta.url);

/** @throws ScoringError `engine_unavailable`, `model_invalid`, `model_hash_mismatch` */
export async function createFaceFinderNode(): Promise<FaceFinder> {
  const [card, weights] = await Promise.all([
    readFile(fileURLToPath(new URL("card.json", FOLDER)), "utf8"),
    readFile(fileURLToPath(new URL("weights.safetensors", FOLDER))),
  ]);
  const { id, network } = await loadBlazeFaceModel(JSON.parse(card), weights);
  const engine = await createGraphNodeEngine(network);
  return createBlazeFaceFinder(id, createBlazeFaceNetwork(engine), await engine.openPixels());
}
