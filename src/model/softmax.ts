/** From logits to what a record says. Ties go to the lower index everywhere. */

/**
 * Softmax of each row, the maximum subtracted first, in doubles.
 * @param logits `count` rows, one value a label
 * @param temperature divides the logits; `null` for none (1)
 * @returns rows of the same length, each sums to 1 within float32 rounding
 */
export function computeProbabilities(logits: Float32Array, count: number, temperature: number | null): Float32Array {
  const scale = 1 / (temperature ?? 1);
  const width = count === 0 ? 0 : logits.length / count;
  const probabilities = new Float32Array(logits.length);
  const row = new Float64Array(width);
  for (let start = 0; start < probabilities.length; start += width) {
    let highest = -Infinity;
    for (let i = 0; i < width; i++) highest = Math.max(highest, logits[start + i]!);
    let sum = 0;
    for (let i = 0; i < width; i++) sum += row[i] = Math.exp((logits[start + i]! - highest) * scale);
    for (let i = 0; i < width; i++) probabilities[start + i] = row[i]! / sum;
  }
  return probabilities;
}

/** What one row of probabilities says. */
export interface Verdict {
  readonly label: string;
  readonly labelIndex: number;
  /** In label order. */
  readonly probabilities: readonly number[];
  /** First minus second probability, 0…1; 0 for a tie. */
  readonly margin: number;
  /** Nats, 0 to the logarithm of the number of labels. */
  readonly entropy: number;
}

/**
 * Label, margin and entropy of one face.
 * @param row one probability a label
 */
export function deriveVerdict(labels: readonly string[], row: Iterable<number>): Verdict {
  const probabilities = [...row];
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
  return { label: labels[labelIndex]!, labelIndex, probabilities, margin, entropy: Math.max(0, entropy) };
}

/** Row `index` of `[count, width]` values. */
export function rowOf(values: Float32Array, index: number, width: number): Float32Array {
  return values.subarray(index * width, (index + 1) * width);
}
