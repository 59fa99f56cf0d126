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
    let truth = 0;
    for (let at = ends.length - 1; at >= 0; at -= 1) if (lot < ends[at]!) truth = at;
    const probabilities: number[] = [];
    let sum = 0;
    for (let label = 0; label < LABEL_COUNT; label += 1) {
      const logit = (label === truth ? signal : 0) + bias[label]! + 1.4 * random.nextNormal();
      const weight = Math.exp(logit / temperature);
      probabilities.push(weight);
      sum += weight;
    }
    let [first, second, label] = [-1, -1, 0];
    for (let at = 0; at < LABEL_COUNT; at += 1) {
      const probability = probabilities[at]! / sum;
      probabilities[at] = probability;
      if (probability > first) {
        second = first;
        first = probability;
        label = at;
      } else if (probability > second) second = probability;
    }
    return { index, truth, label, margin: first - second, probabilities };
  });
}
