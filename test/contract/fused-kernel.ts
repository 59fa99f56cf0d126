/** What the fused kernel must do beyond the parity suite: four faces share a vector, so lanes must not see each other. */

import { describe, expect, it } from "vitest";
import type { FusedEngine } from "../../src/backends/fused/fused-classifier.ts";
import type { Classifier } from "../../src/model/classifier.ts";
import { FACE_PIXELS, LABEL_COUNT } from "../../src/model/labels.ts";
import type { Model } from "../../src/model/model.ts";
import { drawNoise } from "../golden/network.ts";
import { describeClassifierParity, drawModel, PUBLISHED_WIDTHS } from "./classifier-parity.ts";

/** Declares the parity suite and the kernel's own for one build. */
export function describeFusedEngine(
  place: string,
  engine: FusedEngine,
  create: (model: Model) => Promise<Classifier>,
  options: { long?: boolean } = {},
): void {
  describeClassifierParity(`${engine} in ${place}`, create, options);

  describe(`${engine} in ${place}`, () => {
    const model = drawModel(5, PUBLISHED_WIDTHS, [0.9, 0.2, 0.1, -0.1, 1.1, 0.05]);

    it("names itself", async () => {
      const classifier = await create(model);
      expect(classifier.engine).toBe(engine);
      expect(classifier.model).toBe("golden@1");
    });

    it("gives a face the same bits in every batch size and every place", async () => {
      const classifier = await create(model);
      const most = 2 * classifier.batchSize + 3;
      const pixels = drawNoise(9, most);
      const whole = await classifier.classify(pixels, most);
      for (const count of [1, 2, 3, 4, 5, 6, 7, 8, 9, classifier.batchSize - 1, classifier.batchSize + 5]) {
        const first = most - count;
        const part = await classifier.classify(pixels.subarray(first * FACE_PIXELS), count);
        expect(part.logits).toEqual(whole.logits.subarray(first * LABEL_COUNT));
        expect(part.probabilities).toEqual(whole.probabilities.subarray(first * LABEL_COUNT));
        expect(part.theta).toEqual(whole.theta?.subarray(first * 6));
      }
    });

    it("gives finite probabilities that add up to one on constant images", async () => {
      const classifier = await create(model);
      const levels = [0, 1, 127, 128, 254, 255];
      const pixels = new Uint8Array(levels.length * FACE_PIXELS);
      levels.forEach((level, face) => pixels.fill(level, face * FACE_PIXELS, (face + 1) * FACE_PIXELS));
      const { probabilities, theta } = await classifier.classify(pixels, levels.length);
      expect([...probabilities, ...(theta ?? [Number.NaN])].every(Number.isFinite)).toBe(true);
      for (let face = 0; face < levels.length; face++) {
        const row = probabilities.subarray(face * LABEL_COUNT, (face + 1) * LABEL_COUNT);
        expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 6);
      }
    });

    it("keeps softmax exact with logits hundreds apart", async () => {
      const cold = drawModel(5, PUBLISHED_WIDTHS, [1, 0, 0, 0, 1, 0], { temperature: 0.01 });
      const classifier = await create(cold);
      const { logits, probabilities } = await classifier.classify(drawNoise(2, 6), 6);
      for (let face = 0; face < 6; face++) {
        const row = Array.from({ length: LABEL_COUNT }, (_, i) => logits[face * LABEL_COUNT + i]! / 0.01);
        const weights = row.map((value) => Math.exp(value - Math.max(...row)));
        const sum = weights.reduce((a, b) => a + b);
        weights.forEach((weight, i) => {
          expect(Math.abs(weight / sum - probabilities[face * LABEL_COUNT + i]!)).toBeLessThan(2e-5);
        });
      }
    });
  });
}
