/** From logits to what a record says. Ties go to the lower index everywhere. */

import { LABEL_COUNT, LABELS, type Label } from "./labels.ts";
import type { Scores } from "./classifier.ts";

/**
 * Softmax of each row, the maximum subtracted first, in doubles.
 * @param logits at least `count × 7` values
 * @param temperature divides the logits; `null` for none (1)
 * @returns `[count, 7]`, each row sums to 1 within float32 rounding
 */
export function computeProbabilities(logits: Float32Array, count: number, temperature: number | null): Float32Array {
  const scale = 1 / (temperature ?? 1);
  const probabilities = new Float32Array(count * LABEL_COUNT);
  const row = new Float64Array(LABEL_COUNT);
  for (let start = 0; start < probabilities.length; start += LABEL_COUNT) {
    let highest = -Infinity;
    for (let i = 0; i < LABEL_COUNT; i++) highest = Math.max(highest, logits[start + i]!);
    let sum = 0;
    for (let i = 0; i < LABEL_COUNT; i++) sum += row[i] = Math.exp((logits[start + i]! - highest) * scale);
    for (let i = 0; i < LABEL_COUNT; i++) probabilities[start + i] = row[i]! / sum;
  }
  return probabilities;
}

/** What one row of probabilities says. */
export interface Verdict {
  readonly label: Label;
  readonly labelIndex: number;
  /** Seven, in label order. */
  readonly probabilities: readonly number[];
  /** First minus second probability, 0…1; 0 for a tie. */
  readonly margin: number;
  /** Nats, 0…ln 7. */
  readonly entropy: number;
}

/** Label, margin and entropy of the face at `index`. */
export function deriveVerdict(scores: Pick<Scores, "probabilities">, index: number): Verdict {
  const probabilities = [...scores.probabilities.subarray(index * LABEL_COUNT, (index + 1) * LABEL_COUNT)];
  let labelIndex = 0;
  let second = -Infinity;
  let entropy = 0;
  for (let i = 0; i < probabilities.length; i++) {
    const value = probabilities[i]!;
    if (value > 0) entropy -= value * Math.log(value);
    if (i === 0) continue;
    if (value > probabilities[labelIndex]!) {
      second = probabilities[labelIndex]!;
      labelIndex = i;
    } else {
      second = Math.max(second, value);
    }
  }
  const margin = probabilities[labelIndex]! - second;
  return { label: LABELS[labelIndex]!, labelIndex, probabilities, margin, entropy: Math.max(0, entropy) };
}
