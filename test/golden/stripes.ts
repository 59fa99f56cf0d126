/** An engine for tests that score thousands of pictures: cheap, and the same everywhere. */

import type { Classifier } from "../../src/model/classifier.ts";
import { GRAY_48 } from "../../src/model/input-form.ts";
import { LABELS, FACE_PIXELS } from "../../src/model/labels.ts";
import { computeProbabilities } from "../../src/model/softmax.ts";

/** Scores follow the mean of seven stripes of the face. */
export const stripes: Classifier = {
  model: "stripes@1",
  labels: LABELS,
  input: GRAY_48,
  engine: "stripes",
  batchSize: 3,
  async classify(pixels, count) {
    const logits = new Float32Array(count * 7);
    for (let face = 0; face < count; face++) {
      for (let i = 0; i < FACE_PIXELS; i++) {
        const at = face * 7 + Math.floor((i * 7) / FACE_PIXELS);
        logits[at] = logits[at]! + pixels[face * FACE_PIXELS + i]! / 10_000;
      }
    }
    return { count, logits, probabilities: computeProbabilities(logits, count, null), theta: null, embedding: null };
  },
  dispose() {},
};
