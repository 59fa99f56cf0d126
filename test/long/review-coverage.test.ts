import { describe, expect, it } from "vitest";
import { LABELS } from "../../src/model/labels.ts";
import { type Coverage, measureCoverage } from "../unit/scoring/review/coverage.ts";

/** The promise of docs/review.md: nominal 95 % intervals hold the truth in 93.5 to 96.5 % of 2,000 populations. */

const share = ({ held, tried }: Coverage): number => held / tried;

describe("coverage of a review's intervals over 2,000 populations", () => {
  const report = measureCoverage(2000, 3000);

  it.each(LABELS.map((label, index) => ({ label, index })))("$label: shares, precision and recall", ({ index }) => {
    for (const coverage of [report.powered, report.review].map((labels) => labels[index]!)) {
      expect(share(coverage)).toBeGreaterThan(0.935);
      // A label near 1 % is found in a few faces or none: its interval errs on the wide side.
      expect(share(coverage)).toBeLessThan(index === LABELS.indexOf("Disgust") ? 0.98 : 0.965);
    }
    for (const coverage of [report.precision, report.recall].map((labels) => labels[index]!)) {
      expect(share(coverage)).toBeGreaterThan(0.925);
    }
  });

  it("accuracy", () => {
    expect(share(report.accuracy)).toBeGreaterThan(0.935);
    expect(share(report.accuracy)).toBeLessThan(0.965);
  });

  it("a label that almost no face has is not excluded too early", () => {
    expect(share(report.rare)).toBeGreaterThan(0.95);
  });

  it("is never wider than the review alone, and narrower on the whole", () => {
    expect(report.worstWidth).toBeLessThanOrEqual(1.02);
    expect(report.meanWidth).toBeLessThan(0.96);
  });
});
