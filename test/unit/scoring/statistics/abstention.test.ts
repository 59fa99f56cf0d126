import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LABEL_COUNT } from "../../../../src/model/labels.ts";
import { ABSTENTION_PRECISIONS, isConfident } from "../../../../src/model/abstention.ts";
import { fitAbstention, fitThresholds, MIN_ABSTENTION_FACES } from "../../../../src/scoring/statistics/abstention.ts";
import { findTopLabel } from "../../../../src/scoring/statistics/calibration.ts";
import { createRandom } from "../../../../src/scoring/statistics/random.ts";

/** Faces that are labeled `label` with these top probabilities; `right` says whether truth agrees. */
function makeFaces(rows: readonly { label: number; top: number; right: boolean }[]) {
  const probabilities = new Float64Array(rows.length * LABEL_COUNT);
  const truth = rows.map(({ label, top, right }, face) => {
    const rest = (1 - top) / (LABEL_COUNT - 1);
    probabilities.fill(rest, face * LABEL_COUNT, (face + 1) * LABEL_COUNT);
    probabilities[face * LABEL_COUNT + label] = top;
    return right ? label : (label + 1) % LABEL_COUNT;
  });
  return { probabilities, truth };
}

describe("thresholds", () => {
  it("are the lowest at which the stated share is right", () => {
    // 30 right faces at 0.9, then 10 wrong ones at 0.5: 0.75 holds for all, 0.8 only above.
    const rows = [
      ...Array.from({ length: 30 }, () => ({ label: 3, top: 0.9, right: true })),
      ...Array.from({ length: 10 }, () => ({ label: 3, top: 0.5, right: false })),
    ];
    const { probabilities, truth } = makeFaces(rows);
    expect(fitThresholds(probabilities, truth, 0.75)[3]).toBe(0);
    expect(fitThresholds(probabilities, truth, 0.8)[3]).toBe(0.9);
    expect(fitThresholds(probabilities, truth, 0.8)[0]).toBeNull();
  });

  it("rest on enough faces, or the label is not given", () => {
    const few = makeFaces(
      Array.from({ length: MIN_ABSTENTION_FACES - 1 }, () => ({ label: 1, top: 0.9, right: true })),
    );
    expect(fitThresholds(few.probabilities, few.truth, 0.5)[1]).toBeNull();
    expect(isConfident([null, null, null, null, null, null, null], 1, 1)).toBe(false);
  });

  it("give faces of equal probability the label together", () => {
    const rows = Array.from({ length: 60 }, (_, at) => ({ label: 2, top: at < 30 ? 0.9 : 0.6, right: at < 35 }));
    const { probabilities, truth } = makeFaces(rows);
    // The first 35 are right, but five of those share their probability with 25 wrong ones.
    expect(fitThresholds(probabilities, truth, 0.9)[2]).toBe(0.9);
  });

  it("reach the stated precision on the faces that they were fitted on, and rise with it", () => {
    const row = fc.record({
      label: fc.integer({ min: 0, max: LABEL_COUNT - 1 }),
      top: fc.integer({ min: 20, max: 100 }).map((percent) => percent / 100),
      right: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 400 }), (rows) => {
        const { probabilities, truth } = makeFaces(rows);
        let before: readonly (number | null)[] = Array.from({ length: LABEL_COUNT }, () => 0);
        for (const precision of ABSTENTION_PRECISIONS) {
          const thresholds = fitThresholds(probabilities, truth, precision);
          for (let label = 0; label < LABEL_COUNT; label += 1) {
            const given = truth
              .map((_, face) => face)
              .filter((face) => findTopLabel(probabilities, face) === label)
              .filter((face) => isConfident(thresholds, label, probabilities[face * LABEL_COUNT + label] ?? 0));
            const right = given.filter((face) => truth[face] === label).length;
            expect(right).toBeGreaterThanOrEqual(precision * given.length);
            expect(thresholds[label] ?? 2).toBeGreaterThanOrEqual(before[label] ?? 2);
          }
          before = thresholds;
        }
      }),
    );
  });
});

describe("the curve", () => {
  it("keeps its promise on calibrated faces that it was not fitted on, and gives fewer labels the more it promises", () => {
    const random = createRandom(5);
    const rows = Array.from({ length: 6000 }, () => {
      const top = 0.3 + 0.7 * random.next();
      return { label: Math.floor(random.next() * LABEL_COUNT), top, right: random.next() < top };
    });
    const { probabilities, truth } = makeFaces(rows);
    const curve = fitAbstention(probabilities, truth);
    expect(curve.map((point) => point.precision)).toEqual([...ABSTENTION_PRECISIONS]);
    for (const point of curve) expect(point.achieved).toBeGreaterThan(point.precision - 0.02);
    const coverages = curve.map((point) => point.coverage);
    expect(coverages).toEqual([...coverages].sort((a, b) => b - a));
    expect(coverages[0]).toBeGreaterThan(0.99);
    expect(coverages.at(-1)).toBeLessThan(0.35);
  });

  it("of no faces is empty of promises", () => {
    for (const point of fitAbstention([], [])) {
      expect(point).toMatchObject({ coverage: 0, achieved: 0 });
      expect(point.thresholds.every((threshold) => threshold === null)).toBe(true);
    }
  });
});
