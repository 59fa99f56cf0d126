/** The Classifier port over the SIMD engine for batches: models of the family "graph". */

import { ScoringError } from "../../errors.ts";
import { formatModelId } from "../../model/card.ts";
import type { Classifier, Scores } from "../../model/classifier.ts";
import { readClassifierNetwork } from "../../model/graph/graph-model.ts";
import { assembleScores } from "../../model/graph/graph-scores.ts";
import { checkFaces, countInputBytes, scaleLevels } from "../../model/input-form.ts";
import { EMBEDDING } from "../../model/labels.ts";
import type { Model } from "../../model/model.ts";
import { BATCH_FACES, createBatchEngine } from "./batch-engine.ts";
import type { GraphEngineName } from "./kernel.ts";

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
  const network = readClassifierNetwork(model);
  const { labels, input } = model.card;
  const batch = await createBatchEngine(module, network, scaleLevels(input));
  const bytes = countInputBytes(input);
  let disposed = false;

  function score(pixels: Uint8Array, count: number): Scores {
    if (disposed) throw new ScoringError("engine_unavailable", "the graph engine was disposed");
    checkFaces(input, pixels, count);
    const values = new Float32Array(count * labels.length);
    const embeddings = new Float32Array(count * (network.embedding ?? 0));
    for (let first = 0; first < count; first += BATCH_FACES) {
      const faces = Math.min(BATCH_FACES, count - first);
      const outputs = batch.run(pixels.subarray(first * bytes, (first + faces) * bytes), faces);
      values.set(outputs.get(network.scores)!, first * labels.length);
      if (network.embedding !== null) embeddings.set(outputs.get(EMBEDDING)!, first * network.embedding);
    }
    return assembleScores(model.card, network, count, { [network.scores]: values, [EMBEDDING]: embeddings });
  }

  return {
    model: formatModelId(model.card),
    labels,
    input,
    engine,
    batchSize: BATCH_FACES,
    classify: async (pixels, count) => score(pixels, count),
    // The memory goes with the instance, when nothing refers to it.
    dispose: () => {
      disposed = true;
    },
  };
}
