/** The face finder in a browser, beside a tfjs classifier that is already made: it runs on that one's backend. */

import * as tf from "@tensorflow/tfjs-core";
import type { FaceFinder } from "../model/face-finder.ts";
import { loadBlazeFaceModel } from "../model/blazeface-model.ts";
import { createBlazeFaceFinder } from "./blazeface-finder.ts";
import { buildBlazeFaceTfjs } from "./blazeface-tfjs.ts";

/** What the page serves of models/faces/blazeface@1/, already read. */
export interface FaceModelFiles {
  readonly card: unknown;
  readonly weights: Uint8Array;
}

/**
 * @param files fetched by the caller, same origin
 * @param backend tfjs backend that is started, `wasm` or `webgpu`; default the current one
 * @throws ScoringError `engine_unavailable`, `model_invalid`, `model_hash_mismatch`
 */
export async function createFaceFinderBrowser(
  files: FaceModelFiles,
  options: { readonly backend?: string } = {},
): Promise<FaceFinder> {
  const model = await loadBlazeFaceModel(files.card, files.weights);
  const network = await buildBlazeFaceTfjs(model.tensors, options.backend ?? tf.getBackend());
  return createBlazeFaceFinder(model.id, network);
}
