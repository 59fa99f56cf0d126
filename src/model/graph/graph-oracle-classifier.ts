/** The reference classifier of the family "graph", in doubles. */

import { formatModelId } from "../card.ts";
import type { Classifier, Scores } from "../classifier.ts";
import { FACE_PIXELS, FACE_SIZE, LABEL_COUNT } from "../labels.ts";
import type { Model } from "../model.ts";
import { checkPixels, NORMALIZED } from "../pixels.ts";
import { computeProbabilities } from "../softmax.ts";
import { LOGITS, readClassifierNetwork } from "./graph-model.ts";
import { runGraphOracle } from "./graph-oracle.ts";

/**
 * The reference classifier.
 * @throws ScoringError `model_invalid` if the card has no graph of a classifier
 */
export function createGraphOracle(model: Model): Classifier {
  const network = readClassifierNetwork(model);
  return {
    model: formatModelId(model.card),
    engine: "oracle",
    batchSize: 1,
    // oxlint-disable-next-line typescript/require-await -- the port is asynchronous, the oracle is not
    async classify(pixels: Uint8Array, count: number): Promise<Scores> {
      checkPixels(pixels, count);
      const logits = new Float32Array(count * LABEL_COUNT);
      for (let i = 0; i < count; i++) {
        const face = pixels.subarray(i * FACE_PIXELS, (i + 1) * FACE_PIXELS);
        const data = Float64Array.from(face, (level) => NORMALIZED[level]!);
        const outputs = runGraphOracle(network, { shape: [1, FACE_SIZE, FACE_SIZE], data });
        logits.set(outputs.get(LOGITS)!.data, i * LABEL_COUNT);
      }
      return { count, logits, theta: null, probabilities: computeProbabilities(logits, count, model.card.temperature) };
    },
    dispose() {},
  };
}
