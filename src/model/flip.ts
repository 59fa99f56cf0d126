/** Test-time augmentation "flip": the mean of a face and its mirror image, on any engine. */

import type { Classifier, Scores } from "./classifier.ts";
import { FACE_PIXELS, FACE_SIZE } from "./labels.ts";

/**
 * Wraps a classifier so that each face is scored twice, mirrored left to right the second time, and the probabilities
 * averaged. Takes twice the time per face. `logits` become log-probabilities, `theta` stays that of the face as it is.
 */
export function createFlipClassifier(inner: Classifier): Classifier {
  return {
    model: inner.model,
    engine: `${inner.engine}+flip`,
    batchSize: inner.batchSize,
    async classify(pixels: Uint8Array, count: number): Promise<Scores> {
      const straight = await inner.classify(pixels, count);
      const mirrored = await inner.classify(mirrorFaces(pixels, count), count);
      const probabilities = straight.probabilities.map((p, i) => (p + mirrored.probabilities[i]!) / 2);
      return { count, probabilities, logits: probabilities.map(Math.log), theta: straight.theta };
    },
    dispose: () => inner.dispose(),
  };
}

/** Mirrors `count` 48×48 faces left to right, into a new array. */
export function mirrorFaces(pixels: Uint8Array, count: number): Uint8Array {
  const mirrored = new Uint8Array(count * FACE_PIXELS);
  for (let row = 0; row < mirrored.length; row += FACE_SIZE) {
    for (let c = 0; c < FACE_SIZE; c++) mirrored[row + c] = pixels[row + FACE_SIZE - 1 - c]!;
  }
  return mirrored;
}
