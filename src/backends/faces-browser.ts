/** The face finder in a browser, on the graph engine. */

import type { FaceFinder } from "../model/face-finder.ts";
import { loadBlazeFaceModel } from "../model/blazeface-model.ts";
import { createBlazeFaceFinder } from "./blazeface-finder.ts";
import { createBlazeFaceNetwork } from "./blazeface-graph.ts";
import { createGraphBrowserEngine, type GraphAddresses } from "./graph/graph-browser.ts";

/** What the page serves of models/faces/blazeface@1/, already read. */
export interface FaceModelFiles {
  readonly card: unknown;
  readonly weights: Uint8Array;
}

/**
 * @param files fetched by the caller, same origin
 * @param addresses of the engine's binaries, same origin
 * @throws ScoringError `engine_unavailable`, `model_invalid`, `model_hash_mismatch`
 */
export async function createFaceFinderBrowser(files: FaceModelFiles, addresses: GraphAddresses): Promise<FaceFinder> {
  const { id, network } = await loadBlazeFaceModel(files.card, files.weights);
  const engine = await createGraphBrowserEngine(network, addresses);
  return createBlazeFaceFinder(id, createBlazeFaceNetwork(engine), await engine.openPixels());
}
