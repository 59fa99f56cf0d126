/** From the outputs of a classifier's graph to its scores: the same for every engine. */

import { ScoringError } from "../../errors.ts";
import { formatModelId, type ModelCard } from "../card.ts";
import type { Scores } from "../classifier.ts";
import { EMBEDDING } from "../labels.ts";
import { computeProbabilities, rowOf } from "../softmax.ts";
import { PROBABILITIES, THETA, type ClassifierNetwork } from "./graph-model.ts";

/** How far a network's own probabilities may miss a sum of 1. */
const SUM_TOLERANCE = 1e-3;
/** Stands for a probability of 0, whose logarithm no file could hold. */
const LEAST_PROBABILITY = 1e-30;

/**
 * Scores of `count` faces.
 * @param outputs by name, `[count, values]` each
 * @throws ScoringError `model_invalid` if the network's probabilities are none
 */
export function assembleScores(
  card: ModelCard,
  { scores, embedding, theta }: ClassifierNetwork,
  count: number,
  outputs: Readonly<Record<string, Float32Array>>,
): Scores {
  const values = outputs[scores]!;
  if (scores === PROBABILITIES) checkProbabilities(card, values, count);
  const logits =
    scores === PROBABILITIES ? values.map((value) => Math.log(Math.max(LEAST_PROBABILITY, value))) : values;
  return {
    count,
    logits,
    probabilities: computeProbabilities(logits, count, card.temperature),
    theta: theta ? outputs[THETA]! : null,
    embedding: embedding === null ? null : outputs[EMBEDDING]!,
  };
}

function checkProbabilities(card: ModelCard, values: Float32Array, count: number): void {
  for (let face = 0; face < count; face++) {
    const sum = rowOf(values, face, card.labels.length).reduce((total, value) => total + value, 0);
    // Not finite: the weights overflow, which the record says.
    if (Number.isNaN(sum) || Math.abs(sum - 1) <= SUM_TOLERANCE) continue;
    const fault = `its output ${PROBABILITIES} sums to ${sum.toFixed(4)}, not 1: name it logits if it is no softmax`;
    throw new ScoringError("model_invalid", `${formatModelId(card)}: ${fault}`);
  }
}
