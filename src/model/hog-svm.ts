/**
 * The family "hog-svm": histograms of oriented gradients and a linear one-against-rest support vector machine, the
 * classic baseline, behind the same port as the networks. Plain JavaScript on every platform.
 */

import { ScoringError } from "../errors.ts";
import { formatModelId } from "./card.ts";
import type { Classifier, Scores } from "./classifier.ts";
import { computeHog, HOG_FEATURES, HOG_SETTINGS } from "./hog-features.ts";
import { FACE_PIXELS, LABEL_COUNT } from "./labels.ts";
import { checkFaces } from "./input-form.ts";
import type { Model } from "./model.ts";
import { computeProbabilities } from "./softmax.ts";
import { formatShape, type Tensor } from "./tensor.ts";

/** Tensors of the family: `weight` [7, 1764] and `bias` [7]. */
export const HOG_SVM_SHAPES: ReadonlyMap<string, readonly number[]> = new Map([
  ["weight", [LABEL_COUNT, HOG_FEATURES]],
  ["bias", [LABEL_COUNT]],
]);

/** Faces per call; nothing is gained by more. */
const BATCH_SIZE = 32;

/**
 * Checks that tensors are those of the family, and finite.
 * @throws ScoringError `model_invalid`, naming the tensor and both shapes
 */
export function checkHogSvmTensors(tensors: ReadonlyMap<string, Tensor>): void {
  for (const [name, shape] of HOG_SVM_SHAPES) {
    const tensor = tensors.get(name);
    if (tensor === undefined || formatShape(tensor.shape) !== formatShape(shape)) {
      const found = tensor === undefined ? "missing" : formatShape(tensor.shape);
      throw new ScoringError("model_invalid", `tensor ${name} is ${found}, expected ${formatShape(shape)}`);
    }
    if (!tensor.data.every((value) => Number.isFinite(value))) {
      throw new ScoringError("model_invalid", `tensor ${name} holds a value that is not finite`);
    }
  }
  const unknown = [...tensors.keys()].find((name) => !HOG_SVM_SHAPES.has(name));
  if (unknown !== undefined) throw new ScoringError("model_invalid", `tensor ${unknown} is not one of this family`);
}

/**
 * A classifier of the family. Logits are the seven signed distances; probabilities are their softmax after the card's
 * temperature, which was fitted on faces that the machine had not seen (Platt's idea with one parameter for all classes).
 * @throws ScoringError `model_invalid` for other tensors, or a card that states other features
 */
export function createHogSvmClassifier(model: Model): Classifier {
  checkHogSvmTensors(model.tensors);
  for (const [name, value] of Object.entries(HOG_SETTINGS)) {
    const stated = model.card.settings[name];
    if (stated !== value) {
      throw new ScoringError(
        "model_invalid",
        `${formatModelId(model.card)}: ${name} is ${String(stated)}, expected ${value}`,
      );
    }
  }
  const weight = Float64Array.from(model.tensors.get("weight")?.data ?? []);
  const bias = Float64Array.from(model.tensors.get("bias")?.data ?? []);
  return {
    model: formatModelId(model.card),
    labels: model.card.labels,
    input: model.card.input,
    engine: "hog-svm-js",
    batchSize: BATCH_SIZE,
    async classify(pixels: Uint8Array, count: number): Promise<Scores> {
      checkFaces(model.card.input, pixels, count);
      const logits = new Float32Array(count * LABEL_COUNT);
      for (let face = 0; face < count; face += 1) {
        const features = computeHog(pixels.subarray(face * FACE_PIXELS, (face + 1) * FACE_PIXELS));
        for (let label = 0; label < LABEL_COUNT; label += 1) {
          let sum = bias[label]!;
          const row = label * HOG_FEATURES;
          for (let i = 0; i < HOG_FEATURES; i += 1) sum += weight[row + i]! * features[i]!;
          logits[face * LABEL_COUNT + label] = sum;
        }
      }
      const probabilities = computeProbabilities(logits, count, model.card.temperature);
      return { count, logits, probabilities, theta: null, embedding: null };
    },
    dispose: () => {},
  };
}
