import jstat from "jstat";
import { describe, expect, it } from "vitest";
import { computeChiSquareTail, findNormalQuantile } from "../../../../src/scoring/statistics/distributions.ts";

describe("the normal quantile", () => {
  // SciPy: norm.ppf(p).
  it.each([
    [0.975, 1.959963984540054],
    [0.995, 2.5758293035489004],
    [0.9999, 3.719016485455709],
    [1 - 2 ** -40, 7.047700256664409],
    [1e-20, -9.262340089798409],
    [0.5, 0],
  ])("of %d is SciPy's", (p, quantile) => {
    expect(Math.abs(findNormalQuantile(p) - quantile)).toBeLessThanOrEqual(4e-15 * Math.max(1, Math.abs(quantile)));
  });

  it("is the other library's over the whole range, and turns around at one half", () => {
    for (let at = 1; at < 400; at += 1) {
      const p = at / 400;
      expect(findNormalQuantile(p)).toBeCloseTo(jstat.normal.inv(p, 0, 1), 12);
      expect(findNormalQuantile(1 - p)).toBeCloseTo(-findNormalQuantile(p), 12);
    }
  });
});

describe("the tail of chi-square", () => {
  it("is the other library's at every number of degrees", () => {
    for (const degrees of [1, 2, 3, 6, 7, 20, 99]) {
      for (const share of [0, 0.01, 0.3, 0.9, 1, 1.02, 1.1, 2, 5]) {
        const chiSquare = share * (degrees + 2);
        // The other library is right to ten digits.
        expect(computeChiSquareTail(chiSquare, degrees)).toBeCloseTo(1 - jstat.chisquare.cdf(chiSquare, degrees), 9);
      }
    }
  });

  // SciPy: chi2.sf(x, df); one minus the distribution function would be 0.
  it.each([
    [3.841458820694124, 1, 0.05],
    [100, 1, 1.5239706048320995e-23],
    [200, 6, 1.8976107553682236e-40],
  ])("of %d at %d degrees is %d, however small", (chiSquare, degrees, p) => {
    expect(computeChiSquareTail(chiSquare, degrees) / p).toBeCloseTo(1, 11);
  });
});
