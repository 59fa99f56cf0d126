/** The Classifier port over the SIMD engine for batches: models of the family "graph". */

import { ScoringError } from "../../errors.ts";
import { formatModelId } from "../../model/card.ts";
import type { Classifier, Scores } from "../../model/classifier.ts";
import { LOGITS, readClassifierNetwork } from "../../model/graph/graph-model.ts";
import { FACE_PIXELS, LABEL_COUNT } from "../../model/labels.ts";
import type { Model } from "../../model/model.ts";
import { checkPixels } from "../../model/pixels.ts";
import { computeProbabilities } from "../../model/softmax.ts";
import { BATCH_FACES, createBatchEngine } from "./batch-engine.ts";
import type { GraphEngineName } from "./kernel.ts";

/** A byte as the pipeline's step 4 takes it: (L/255 − ½)/½. */
const SCALE = { scales: [2 / 255], offsets: [-1] };

/**
 * Loads `model` into an instance of `module` (graph.wasm or graph-relaxed.wasm).
 * @throws ScoringError `model_invalid` if its card has no graph of a classifier; `engine_unavailable` if a node has no
 *   kernel here or memory is refused
 */
export async function createGraphClassifier(
  module: WebAssembly.Module,
  model: Model,
  engine: GraphEngineName = "graph-wasm-simd",
): Promise<Classifier> {
  const batch = await createBatchEngine(module, readClassifierNetwork(model), SCALE);
  let disposed = false;

  function score(pixels: Uint8Array, count: number): Scores {
    if (disposed) throw new ScoringError("engine_unavailable", "the graph engine was disposed");
    checkPixels(pixels, count);
    const logits = new Float32Array(count * LABEL_COUNT);
    for (let first = 0; first < count; first += BATCH_FACES) {
      const faces = Math.min(BATCH_FACES, count - first);
      const part = pixels.subarray(first * FACE_PIXELS, (first + faces) * FACE_PIXELS);
      logits.set(batch.run(part, faces).get(LOGITS)!, first * LABEL_COUNT);
    }
    return { count, logits, theta: null, probabilities: computeProbabilities(logits, count, model.card.temperature) };
  }

  return {
    model: formatModelId(model.card),
    engine,
    batchSize: BATCH_FACES,
    classify: async (pixels, count) => score(pixels, count),
    // The memory goes with the instance, when nothing refers to it.
    dispose: () => {
      disposed = true;
    },
  };
}
