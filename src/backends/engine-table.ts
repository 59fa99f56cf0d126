/** What every seam must bring: a classifier for each family of models, on each engine that a deployment can name. */

import type { Family } from "../model/card.ts";
import type { Classifier } from "../model/classifier.ts";
import type { Model } from "../model/model.ts";

/** Engines by name, the fastest first: our own kernels in SIMD wasm, and TensorFlow.js. */
export const ENGINES = ["fused", "tfjs"] as const;

/** One of {@link ENGINES}. */
export type EngineName = (typeof ENGINES)[number];

/** Opens a classifier. @throws ScoringError `engine_unavailable`, `model_invalid` */
export type OpenClassifier = (model: Model) => Promise<Classifier>;

/** The engines of one seam (workerd, Node, browser), complete. */
export type EngineTables = { readonly [E in EngineName]: { readonly [F in Family]: OpenClassifier } };
