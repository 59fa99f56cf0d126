import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LABEL_COUNT } from "../../../../src/model/labels.ts";
import { computeProbabilities } from "../../../../src/model/softmax.ts";
import {
  applyTemperatures,
  computeCalibrationError,
  countCalibration,
  crossFitTemperature,
  findCalibrationBin,
  findTopLabel,
  fitTemperature,
} from "../../../../src/scoring/statistics/calibration.ts";
import { computeClassification, countConfusion } from "../../../../src/scoring/statistics/classification.ts";
import { createRandom } from "../../../golden/network.ts";

describe("classification figures", () => {
  // sklearn.metrics on y_true = [0,0,0,1,1,3,3,3,3,6], y_pred = [0,0,1,1,4,3,3,3,0,6]:
  // accuracy 0.7, balanced_accuracy 0.72917; F1 by class 0.66667, 0.5, –, 0.85714, 0, –, 1; macro (5 labels) 0.60476.
  const truth = [0, 0, 0, 1, 1, 3, 3, 3, 3, 6];
  const predicted = [0, 0, 1, 1, 4, 3, 3, 3, 0, 6];

  it("equal scikit-learn's", () => {
    const figures = computeClassification(countConfusion(truth, predicted));
    expect(figures.faces).toBe(10);
    expect(figures.correct).toBe(7);
    expect(figures.accuracy).toBeCloseTo(0.7, 12);
    expect(figures.balancedAccuracy).toBeCloseTo((2 / 3 + 1 / 2 + 3 / 4 + 1) / 4, 12);
    expect(figures.macroF1).toBeCloseTo((2 / 3 + 1 / 2 + 6 / 7 + 0 + 1) / 5, 12);
    expect(figures.perClass[3]).toEqual({ label: "Happy", precision: 1, recall: 0.75, f1: 6 / 7, support: 4 });
    expect(figures.perClass[4]).toEqual({ label: "Sad", precision: 0, recall: 0, f1: 0, support: 0 });
  });

  it("rows are true labels, columns predicted ones; unknown labels are refused", () => {
    const confusion = countConfusion(truth, predicted);
    expect(confusion[0]).toEqual([2, 1, 0, 0, 0, 0, 0]);
    expect(confusion[3]).toEqual([1, 0, 0, 3, 0, 0, 0]);
    expect(() => countConfusion([7], [0])).toThrow(RangeError);
    expect(() => countConfusion([0], [])).toThrow(RangeError);
    expect(computeClassification(countConfusion([], [])).accuracy).toBe(0);
  });
});

/** Faces whose labels are drawn from softmax(logits): perfectly calibrated at temperature 1. */
function drawCalibrated(count: number, seed: number, scale: number): { logits: Float32Array; truth: number[] } {
  const next = createRandom(seed);
  const uniform = (): number => next() / 2 ** 32;
  const logits = Float32Array.from({ length: count * LABEL_COUNT }, () => 4 * uniform() - 2);
  const probabilities = computeProbabilities(logits, count, null);
  const truth = Array.from({ length: count }, (_, face) => {
    let left = uniform();
    for (let label = 0; label < LABEL_COUNT; label += 1) {
      left -= probabilities[face * LABEL_COUNT + label] ?? 0;
      if (left < 0) return label;
    }
    return LABEL_COUNT - 1;
  });
  return { logits: logits.map((logit) => logit * scale), truth };
}

/** Probabilities with one large value. */
const row = (top: number): number[] => [top, ...Array.from({ length: 6 }, () => (1 - top) / 6)];

describe("calibration", () => {
  it("bins are open on the left and closed on the right", () => {
    expect([0, 1 / 15, 1 / 15 + 1e-9, 0.5, 1].map(findCalibrationBin)).toEqual([0, 0, 1, 7, 14]);
  });

  it("the error is the weighted gap between confidence and accuracy", () => {
    const probabilities = [row(0.9), row(0.9), row(0.9), row(0.9), row(0.4)].flat();
    const bins = countCalibration(probabilities, [0, 0, 0, 1, 1]);
    expect(bins[13]).toEqual({ count: 4, correct: 3, confidence: 3.6 });
    expect(computeCalibrationError(bins)).toBeCloseTo((4 / 5) * 0.15 + (1 / 5) * 0.4, 12);
    expect(computeCalibrationError([])).toBe(0);
  });

  it("finds the temperature that was put in", () => {
    for (const scale of [0.4, 1, 2.5]) {
      const { logits, truth } = drawCalibrated(4000, 11, scale);
      expect(fitTemperature(logits, truth) / scale).toBeCloseTo(1, 1);
    }
  });

  it("cross-fitting brings the error down on faces that were not fitted on", () => {
    const { logits, truth } = drawCalibrated(3000, 5, 3);
    const fit = crossFitTemperature(logits, truth);
    const error = (temperatureOf: (face: number) => number): number =>
      computeCalibrationError(countCalibration(applyTemperatures(logits, temperatureOf), truth));
    const before = error(() => 1);
    const after = error((face) => fit.temperatureOf(face));
    expect(before).toBeGreaterThan(0.2);
    expect(after).toBeLessThan(0.05);
    expect(fit.foldTemperatures).toHaveLength(5);
    expect(new Set(fit.foldTemperatures).size).toBe(5);
  });

  it("a temperature never changes a label; ties go to the lower index", () => {
    const logit = fc.integer({ min: -40, max: 40 }).map((value) => value / 8);
    fc.assert(
      fc.property(
        fc.array(logit, { minLength: 7, maxLength: 7 }),
        fc.double({ min: 0.1, max: 10, noNaN: true }),
        (row, temperature) => {
          const logits = Float32Array.from(row);
          expect(
            findTopLabel(
              applyTemperatures(logits, () => temperature),
              0,
            ),
          ).toBe(findTopLabel(logits, 0));
          expect(findTopLabel(row, 0)).toBe(row.indexOf(Math.max(...row)));
        },
      ),
    );
  });
});
