/** The face finder in workerd: weights from the bundle, on the graph engine. */

import card from "../../models/faces/blazeface@1/card.json" with { type: "json" };
import weights from "../../models/faces/blazeface@1/weights.safetensors";
import type { FaceFinder } from "../model/face-finder.ts";
import { loadBlazeFaceModel } from "../model/blazeface-model.ts";
import { createBlazeFaceFinder } from "./blazeface-finder.ts";
import { createBlazeFaceNetwork } from "./blazeface-graph.ts";
import { createGraphWorkerdEngine } from "./graph/graph-workerd.ts";

/** @throws ScoringError `engine_unavailable`, `model_invalid`, `model_hash_mismatch` */
export async function createFaceFinderWorkerd(): Promise<FaceFinder> {
  const { id, network } = await loadBlazeFaceModel(card, new Uint8Array(weights));
  const engine = await createGraphWorkerdEngine(network);
  return createBlazeFaceFinder(id, createBlazeFaceNetwork(engine), await engine.openPixels());
}
