import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LABELS } from "../../../../src/model/labels.ts";
import type { FaceAnswers } from "../../../../src/scoring/review/answers.ts";
import { describeReview } from "../../../../src/scoring/review/review-figures.ts";
import { computeAlpha, computeKappa, type UnitLabels } from "../../../../src/scoring/statistics/agreement.ts";

/** The figures beside what test/reference/review_reference.py made of the same samples. */

interface Case {
  readonly strata: readonly { label: number; band: number; population: number; probabilities: readonly number[] }[];
  readonly faces: readonly { stratum: number; truth: number; probabilities: readonly number[] }[];
  readonly readers: readonly UnitLabels[];
}

interface ReferenceEstimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly lambda: number;
}

interface Reference {
  readonly labels: readonly { review: ReferenceEstimate; powered: ReferenceEstimate }[];
  readonly accuracy: ReferenceEstimate;
  readonly temperature: number;
  readonly alpha: number;
  readonly kappa: number;
}

const folder = join(import.meta.dirname, "../../../reference");
const read = (name: string) => JSON.parse(readFileSync(join(folder, name), "utf8"));
const cases: readonly Case[] = read("review-cases.json");
const references: readonly Reference[] = read("review-figures.json");

function describeCase({ strata, faces }: Case) {
  const answers = new Map<number, FaceAnswers>(faces.map(({ truth }, at) => [at, new Map([["one", LABELS[truth]!]])]));
  const design = {
    strata: strata.map(({ label, band, ...rest }) => ({ key: { label, band, group: null }, ...rest })),
    faces,
  };
  return describeReview(design, answers, 1);
}

describe.each(cases.map((one, index) => ({ index, one, reference: references[index]! })))(
  "reference case $index",
  ({ one, reference }) => {
    const figures = describeCase(one);

    it("has the same shares with the same intervals", () => {
      for (const [label, { review, powered }] of reference.labels.entries()) {
        const own = figures.total!.labels[label]!;
        for (const [ours, theirs] of [[own.review, review] as const, [own.powered, powered] as const]) {
          expect(ours.value).toBeCloseTo(theirs.value, 9);
          // jstat's quantile of Student's t is right to about 7 digits.
          expect(ours.low).toBeCloseTo(theirs.low, 6);
          expect(ours.high).toBeCloseTo(theirs.high, 6);
        }
        expect(own.lambda).toBeCloseTo(powered.lambda, 8);
      }
    });

    it("has the same accuracy", () => {
      expect(figures.total!.accuracy.value).toBeCloseTo(reference.accuracy.value, 9);
      expect(figures.total!.accuracy.low).toBeCloseTo(reference.accuracy.low, 6);
    });

    it("has the same temperature", () => {
      expect(figures.fit!.temperature).toBeCloseTo(reference.temperature, 4);
    });

    it("has the same agreement of readers", () => {
      expect(computeAlpha(one.readers)).toBeCloseTo(reference.alpha, 10);
      expect(computeKappa(one.readers.map((unit) => unit.slice(0, 2)))).toBeCloseTo(reference.kappa, 10);
    });
  },
);
