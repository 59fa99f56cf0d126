/** The reference classifier of the family "graph", in doubles. */

import { formatModelId } from "../card.ts";
import type { Classifier, Scores } from "../classifier.ts";
import { checkFaces, countChannels, countInputBytes, tabulateLevels } from "../input-form.ts";
import { EMBEDDING } from "../labels.ts";
import type { Model } from "../model.ts";
import { readClassifierNetwork } from "./graph-model.ts";
import { runGraphOracle } from "./graph-oracle.ts";
import { assembleScores } from "./graph-scores.ts";

/**
 * The reference classifier.
 * @throws ScoringError `model_invalid` if the card has no graph of a classifier
 */
export function createGraphOracle(model: Model): Classifier {
  const network = readClassifierNetwork(model);
  const { labels, input } = model.card;
  const levels = tabulateLevels(input);
  const channels = countChannels(input);
  const bytes = countInputBytes(input);
  const area = input.size * input.size;
  const shape = [channels, input.size, input.size] as const;
  return {
    model: formatModelId(model.card),
    labels,
    input,
    engine: "oracle",
    batchSize: 1,
    // oxlint-disable-next-line typescript/require-await -- the port is asynchronous, the oracle is not
    async classify(pixels: Uint8Array, count: number): Promise<Scores> {
      checkFaces(input, pixels, count);
      const values = new Float32Array(count * labels.length);
      const embeddings = new Float32Array(count * (network.embedding ?? 0));
      for (let i = 0; i < count; i++) {
        const data = new Float64Array(bytes);
        for (let k = 0; k < channels; k++) {
          for (let at = 0; at < area; at++) data[k * area + at] = levels[k]![pixels[i * bytes + at * channels + k]!]!;
        }
        const outputs = runGraphOracle(network, { shape, data });
        values.set(outputs.get(network.scores)!.data, i * labels.length);
        if (network.embedding !== null) embeddings.set(outputs.get(EMBEDDING)!.data, i * network.embedding);
      }
      return assembleScores(model.card, network, count, { [network.scores]: values, [EMBEDDING]: embeddings });
    },
    dispose() {},
  };
}
