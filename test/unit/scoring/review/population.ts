/** Made populations of faces with true labels, as different as jobs are: class shares, quality and calibration of the model vary. */

import { LABEL_COUNT, LABELS } from "../../../../src/model/labels.ts";
import { createRandom, drawShares } from "../../../../src/scoring/statistics/random.ts";
import type { DrawnFace } from "../../../../src/scoring/review/draw-sample.ts";

/** A face with what is true of it. */
export interface KnownFace extends DrawnFace {
  readonly truth: number;
}

/** Shares of FER2013's kind: one label is rare. */
const SHARES = [0.1, 0.015, 0.1, 0.33, 0.15, 0.1, 0.2];

/** A population of `faces` faces. The same seed gives the same one. */
export function makePopulation(seed: number, faces: number): KnownFace[] {
  const random = createRandom(seed);
  const shares = drawShares(
    random,
    SHARES.map((share) => 12 * share),
  );
  const signal = 2 + 3 * random.next();
  const bias = LABELS.map(() => 0.8 * random.nextNormal());
  // Below 1 the model is surer than it is right.
  const temperature = 0.5 + random.next();
  const ends = shares.map((_, label) => shares.slice(0, label + 1).reduce((sum, share) => sum + share, 0));
  return Array.from({ length: faces }, (_, index) => {
    const lot = random.next();
    const truth = Math.max(
      0,
      ends.findIndex((end) => lot < end),
    );
    const weights: number[] = [];
    for (let label = 0; label < LABEL_COUNT; label += 1) {
      const logit = (label === truth ? signal : 0) + bias[label]! + 1.4 * random.nextNormal();
      weights.push(Math.exp(logit / temperature));
    }
    const sum = weights.reduce((total, weight) => total + weight, 0);
    const probabilities = weights.map((weight) => weight / sum);
    let [first, second, label] = [-1, -1, 0];
    for (const [at, probability] of probabilities.entries()) {
      if (probability > first) [second, first, label] = [first, probability, at];
      else if (probability > second) second = probability;
    }
    return { index, truth, label, margin: first - second, probabilities };
  });
}
