/**
 * What every engine of the Deep_Emotion family must do, as functions over a Classifier factory: the same suite runs in
 * Node, in workerd and in Chromium, for tfjs and for the fused kernel.
 *
 * Tolerances (docs/model.md): 1e-4 on each probability, equal top-1 wherever the reference margin exceeds 2e-4.
 */

import { describe, expect, it } from "vitest";
import { ScoringError } from "../../src/errors.ts";
import type { Classifier } from "../../src/model/classifier.ts";
import { FACE_PIXELS, LABEL_COUNT } from "../../src/model/labels.ts";
import type { Model } from "../../src/model/model.ts";
import { listTensorShapes, type NetworkWidths } from "../../src/model/graph/deep-emotion-tensors.ts";
import { createOracle } from "../../src/model/oracle.ts";
import { countElements, type Tensor } from "../../src/model/tensor.ts";
import {
  FACE_COUNT,
  createRandom,
  createTestModel,
  drawFaces,
  drawNoise,
  listGoldenCases,
  type Expected,
} from "../golden/network.ts";
import { compareScores, listDisagreements, PROBABILITY_TOLERANCE } from "./classifier-agreement.ts";

/** Makes the classifier under test for one model. */
export type CreateClassifier = (model: Model) => Promise<Classifier>;

/** Runs `use` on a classifier and disposes it. */
async function withClassifier<T>(
  create: CreateClassifier,
  model: Model,
  use: (classifier: Classifier) => Promise<T>,
): Promise<T> {
  const classifier = await create(model);
  try {
    return await use(classifier);
  } finally {
    classifier.dispose();
  }
}

/** Reference rows of an oracle run. */
async function runReference(model: Model, pixels: Uint8Array, count: number): Promise<Expected> {
  const scores = await createOracle(model).classify(pixels, count);
  const rows = (values: Float32Array, size: number): number[][] =>
    Array.from({ length: count }, (_, i) => [...values.subarray(i * size, (i + 1) * size)]);
  return {
    probabilities: rows(scores.probabilities, LABEL_COUNT),
    logits: rows(scores.logits, LABEL_COUNT),
    theta: rows(scores.theta ?? new Float32Array(), 6),
  };
}

/** Random weights of any width, scaled so that activations keep their size; θ starts from `theta`. */
export function drawModel(
  seed: number,
  widths: NetworkWidths,
  theta: readonly number[],
  options: { alignCorners?: boolean; temperature?: number | null; thetaGain?: number } = {},
): Model {
  const next = createRandom(seed);
  const uniform = (): number => 2 * (next() / 2 ** 32) - 1;
  const tensors = new Map<string, Tensor>();
  for (const [name, shape] of listTensorShapes(widths)) {
    const fanIn = shape.length > 1 ? countElements(shape.slice(1)) : 100;
    let gain = shape.length > 1 ? 1.4 : 1;
    if (name === "fc_loc.2.weight") gain = options.thetaGain ?? 0.2;
    if (name === "fc2.weight") gain = 4;
    const offset = name === "norm.weight" || name === "norm.running_var" ? 1 : 0;
    const data = Float32Array.from(
      { length: countElements(shape) },
      () => offset + gain * Math.sqrt(3 / fanIn) * uniform(),
    );
    tensors.set(name, { shape, data: name === "fc_loc.2.bias" ? Float32Array.from(theta) : data });
  }
  return createTestModel(tensors, options);
}

/** The published widths. */
export const PUBLISHED_WIDTHS: NetworkWidths = {
  localization: [8, 10],
  localizationHidden: 32,
  conv: [10, 10, 10, 10],
  hidden: 50,
};

/** Odd widths: nothing is a multiple of a SIMD register. */
export const ODD_WIDTHS: NetworkWidths = {
  localization: [3, 7],
  localizationHidden: 5,
  conv: [1, 13, 6, 9],
  hidden: 11,
};

/** A wide network, as the accuracy tier has it. */
export const WIDE_WIDTHS: NetworkWidths = {
  localization: [8, 10],
  localizationHidden: 32,
  conv: [24, 32, 40, 48],
  hidden: 96,
};

/** Sampler matrices that a trained network may produce at worst. */
export const SAMPLER_CASES: readonly { readonly name: string; readonly theta: readonly number[] }[] = [
  { name: "identity", theta: [1, 0, 0, 0, 1, 0] },
  { name: "a quarter turn", theta: [0, -1, 0, 1, 0, 0] },
  { name: "half outside on the right and below", theta: [1, 0, 1.01, 0, 1, 0.97] },
  { name: "half outside on the left and above", theta: [1, 0, -0.99, 0, 1, -1.03] },
  { name: "the whole image outside", theta: [1, 0, 5, 0, 1, -5] },
  { name: "far outside", theta: [3e4, 0, 2e6, 0, 3e4, -2e6] },
  { name: "beyond the range of an int32", theta: [1, 0, 3e9, 0, 1, -3e10] },
  { name: "a single point", theta: [0, 0, 0.1, 0, 0, -0.2] },
  { name: "strong zoom out", theta: [9, 2, 0, -2, 9, 0] },
  { name: "mirrored zoom in", theta: [-0.2, 0.05, 0.3, 0.04, -0.3, -0.2] },
];

/**
 * Declares the suite. Call it inside a test file.
 * @param long adds the widest network, which the oracle takes seconds for
 */
export function describeClassifierParity(
  name: string,
  create: CreateClassifier,
  options: { long?: boolean } = {},
): void {
  describe(`parity of ${name}`, () => {
    for (const { name: set, model, expected } of listGoldenCases()) {
      it(`agrees with PyTorch on ${set}`, async () => {
        const scores = await withClassifier(create, model, (c) => c.classify(drawFaces(), FACE_COUNT));
        expect(scores.count).toBe(FACE_COUNT);
        expect(listDisagreements(scores, expected)).toEqual([]);
      });
    }

    for (const { name: sampler, theta } of SAMPLER_CASES) {
      it(`agrees with the oracle where the sampler sees ${sampler}`, async () => {
        for (const alignCorners of [false, true]) {
          const model = drawModel(7, PUBLISHED_WIDTHS, theta, { alignCorners, thetaGain: 0 });
          const pixels = drawFaces().subarray(0, 2 * FACE_PIXELS);
          const scores = await withClassifier(create, model, (c) => c.classify(pixels, 2));
          const { worst, labelFaults } = compareScores(scores, await runReference(model, pixels, 2));
          expect(worst).toBeLessThan(PROBABILITY_TOLERANCE);
          expect(labelFaults).toEqual([]);
        }
      });
    }

    const widths = options.long ? [ODD_WIDTHS, WIDE_WIDTHS] : [ODD_WIDTHS];
    for (const [i, shape] of widths.entries()) {
      it(`agrees with the oracle on random weights of the widths ${shape.conv.join(", ")}`, async () => {
        const model = drawModel(20 + i, shape, [0.9, 0.2, 0.1, -0.2, 1.1, 0], { temperature: 1.7 });
        const pixels = drawNoise(30 + i, 3);
        const scores = await withClassifier(create, model, (c) => c.classify(pixels, 3));
        expect(listDisagreements(scores, await runReference(model, pixels, 3))).toEqual([]);
      });
    }

    it("gives the same scores in every batch size, and nothing leaks between lanes", async () => {
      const model = drawModel(5, PUBLISHED_WIDTHS, [1, 0, 0, 0, 1, 0]);
      await withClassifier(create, model, async (classifier) => {
        const most = classifier.batchSize + 1;
        const pixels = drawNoise(6, most);
        const whole = await classifier.classify(pixels, most);
        // A full batch of noise first: a padded lane or a stale buffer would show in the smaller ones.
        for (const count of [1, 3, classifier.batchSize, most]) {
          const part = await classifier.classify(pixels.subarray(0, count * FACE_PIXELS), count);
          expect(part.probabilities.length).toBe(count * LABEL_COUNT);
          for (let i = 0; i < part.logits.length; i++) {
            expect(Math.abs(part.logits[i]! - whole.logits[i]!)).toBeLessThan(1e-5);
          }
        }
        // The last face alone, from the first lane: a fault that only the first lane is right shows here.
        const last = await classifier.classify(pixels.subarray((most - 1) * FACE_PIXELS), 1);
        for (let i = 0; i < LABEL_COUNT; i++) {
          expect(Math.abs(last.logits[i]! - whole.logits[(most - 1) * LABEL_COUNT + i]!)).toBeLessThan(1e-5);
        }
      });
    });

    it("keeps two models side by side apart", async () => {
      const pixels = drawNoise(8, 2);
      const models = [1, 2].map((seed) => drawModel(seed, PUBLISHED_WIDTHS, [1, 0, 0, 0, 1, 0]));
      const classifiers = await Promise.all(models.map(create));
      for (const [i, model] of models.entries()) {
        const scores = await classifiers[i]!.classify(pixels, 2);
        expect(listDisagreements(scores, await runReference(model, pixels, 2))).toEqual([]);
      }
      classifiers[0]!.dispose();
      const after = await classifiers[1]!.classify(pixels, 2);
      expect(listDisagreements(after, await runReference(models[1]!, pixels, 2))).toEqual([]);
      classifiers[1]!.dispose();
      classifiers[1]!.dispose();
    });

    it("scores nothing for no faces and refuses fewer pixels than faces", async () => {
      const model = drawModel(5, PUBLISHED_WIDTHS, [1, 0, 0, 0, 1, 0]);
      await withClassifier(create, model, async (classifier) => {
        expect((await classifier.classify(new Uint8Array(), 0)).probabilities.length).toBe(0);
        await expect(classifier.classify(new Uint8Array(FACE_PIXELS), 2)).rejects.toBeInstanceOf(ScoringError);
      });
    });

    it("refuses to score after it was disposed", async () => {
      const classifier = await create(drawModel(5, PUBLISHED_WIDTHS, [1, 0, 0, 0, 1, 0]));
      classifier.dispose();
      await expect(classifier.classify(new Uint8Array(FACE_PIXELS), 1)).rejects.toMatchObject({
        code: "engine_unavailable",
      });
    });
  });
}
