/** Test-time augmentation "flip": the mean of a face and its mirror image, on any engine. */

import type { Classifier, Scores } from "./classifier.ts";
import { countChannels, countInputBytes, type InputForm } from "./input-form.ts";

/**
 * Wraps a classifier so that each face is scored twice, mirrored left to right the second time, and the probabilities
 * averaged. Takes twice the time per face. `logits` become log-probabilities, `theta` and `embedding` stay those
 * of the face as it is.
 */
export function createFlipClassifier(inner: Classifier): Classifier {
  return {
    model: inner.model,
    labels: inner.labels,
    input: inner.input,
    engine: `${inner.engine}+flip`,
    batchSize: inner.batchSize,
    async classify(pixels: Uint8Array, count: number): Promise<Scores> {
      const straight = await inner.classify(pixels, count);
      const mirrored = await inner.classify(mirrorFaces(inner.input, pixels, count), count);
      const probabilities = straight.probabilities.map((p, i) => (p + mirrored.probabilities[i]!) / 2);
      return { ...straight, probabilities, logits: probabilities.map(Math.log) };
    },
    dispose: () => inner.dispose(),
  };
}

/** Mirrors `count` faces left to right, into a new array. */
export function mirrorFaces(input: Pick<InputForm, "size" | "color">, pixels: Uint8Array, count: number): Uint8Array {
  const channels = countChannels(input);
  const { size } = input;
  const mirrored = new Uint8Array(count * countInputBytes(input));
  for (let row = 0; row < mirrored.length; row += size * channels) {
    for (let c = 0; c < size; c++) {
      for (let k = 0; k < channels; k++) {
        mirrored[row + c * channels + k] = pixels[row + (size - 1 - c) * channels + k]!;
      }
    }
  }
  return mirrored;
}
