/**
 * The network in plain loops and doubles: the reference that every engine is tested against. It is about a thousand
 * times too slow to serve.
 */

import { formatModelId } from "./card.ts";
import type { Classifier, Scores } from "./classifier.ts";
import { checkFaces, countChannels, countInputBytes, tabulateLevels } from "./input-form.ts";
import type { Model } from "./model.ts";
import { readClassifierNetwork } from "./graph/graph-model.ts";
import { runGraphOracle } from "./graph/graph-oracle.ts";
import { assembleScores } from "./graph/graph-scores.ts";

/**
 * The reference classifier.
 * @throws ScoringError `model_invalid` if the card's network is no classifier, or its family has none
 */
export function createOracle(model: Model): Classifier {
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
      const made = Object.fromEntries(network.widths.map(([name, width]) => [name, new Float32Array(count * width)]));
      for (let i = 0; i < count; i++) {
        const data = new Float64Array(bytes);
        for (let k = 0; k < channels; k++) {
          for (let at = 0; at < area; at++) data[k * area + at] = levels[k]![pixels[i * bytes + at * channels + k]!]!;
        }
        const outputs = runGraphOracle(network, { shape, data });
        for (const [name, width] of network.widths) made[name]!.set(outputs.get(name)!.data, i * width);
      }
      return assembleScores(model.card, network, count, made);
    },
    dispose() {},
  };
}
