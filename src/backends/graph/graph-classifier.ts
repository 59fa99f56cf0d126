/** The Classifier port over the SIMD engine. */

import { ScoringError } from "../../errors.ts";
import { formatModelId } from "../../model/card.ts";
import type { Classifier, Scores } from "../../model/classifier.ts";
import type { Network } from "../../model/graph/check-graph.ts";
import { readClassifierNetwork } from "../../model/graph/graph-model.ts";
import { assembleScores } from "../../model/graph/graph-scores.ts";
import { checkFaces, countInputBytes, scaleLevels } from "../../model/input-form.ts";
import type { Model } from "../../model/model.ts";
import { BATCH_FACES, createBatchEngine } from "./batch-engine.ts";
import { runsFaceByFace } from "./face-layout.ts";
import type { ByteScale, FaceRunner } from "./face-runner.ts";
import type { GraphEngineName } from "./kernel.ts";
import { createPictureFaces } from "./picture-faces.ts";

/**
 * Loads `model` into an instance of `module` (graph.wasm or graph-relaxed.wasm).
 * @throws ScoringError `model_invalid` if its network is no classifier; `engine_unavailable` if a node has no
 *   kernel here or memory is refused
 */
export async function createGraphClassifier(
  module: WebAssembly.Module,
  model: Model,
  engine: GraphEngineName = "graph-wasm-simd",
): Promise<Classifier> {
  const network = readClassifierNetwork(model);
  const { labels, input } = model.card;
  const runner: FaceRunner = runsFaceByFace(network)
    ? await createPictureFaces(module, network, scaleLevels(input), engine)
    : await createBatchFaces(module, network, scaleLevels(input));
  const bytes = countInputBytes(input);
  let disposed = false;

  async function score(pixels: Uint8Array, count: number): Promise<Scores> {
    if (disposed) throw new ScoringError("engine_unavailable", "the graph engine was disposed");
    checkFaces(input, pixels, count);
    const made = Object.fromEntries(network.widths.map(([name, width]) => [name, new Float32Array(count * width)]));
    for (let first = 0; first < count; first += runner.batchSize) {
      const faces = Math.min(runner.batchSize, count - first);
      const outputs = await runner.run(pixels.subarray(first * bytes, (first + faces) * bytes), faces);
      for (const [name, width] of network.widths) made[name]!.set(outputs.get(name)!, first * width);
    }
    return assembleScores(model.card, network, count, made);
  }

  return {
    model: formatModelId(model.card),
    labels,
    input,
    engine,
    batchSize: runner.batchSize,
    classify: score,
    // The memory goes with the instance, when nothing refers to it.
    dispose: () => {
      disposed = true;
    },
  };
}

async function createBatchFaces(module: WebAssembly.Module, network: Network, scale: ByteScale): Promise<FaceRunner> {
  const batch = await createBatchEngine(module, network, scale);
  return { batchSize: BATCH_FACES, run: async (pixels, count) => batch.run(pixels, count) };
}
