import { describe, expect, it } from "vitest";
import { computeAlpha, computeKappa, estimateAgreement } from "../../../../src/scoring/statistics/agreement.ts";

const repeat = (count: number, unit: [number, number]) => Array.from({ length: count }, () => unit);

describe("agreement of readers", () => {
  it("is the published α of Krippendorff's example C: four observers, gaps, nominal data", () => {
    const rows = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."];
    const units = Array.from(rows[0]!, (_, at) => rows.map((row) => (row[at] === "." ? null : Number(row[at]))));
    expect(computeAlpha(units)).toBeCloseTo(0.743, 3);
  });

  it("is κ 0.4 for 20, 5, 10 and 15 of 50", () => {
    const units = [...repeat(20, [0, 0]), ...repeat(5, [0, 1]), ...repeat(10, [1, 0]), ...repeat(15, [1, 1])];
    expect(computeKappa(units)).toBeCloseTo(0.4, 12);
    const { value, low, high, units: counted } = estimateAgreement(units, computeKappa, 3)!;
    expect([value, counted]).toEqual([expect.closeTo(0.4, 12), 50]);
    expect(low).toBeGreaterThan(0.05);
    expect(low).toBeLessThan(0.3);
    expect(high).toBeLessThan(0.75);
    expect(estimateAgreement(units, computeKappa, 3)).toEqual({ value, low, high, units: 50 });
  });

  it("is 1 for perfect agreement and null where nothing can be compared", () => {
    expect(
      computeAlpha([
        [0, 0],
        [1, 1],
      ]),
    ).toBe(1);
    expect(
      computeAlpha([
        [0, null],
        [null, 1],
      ]),
    ).toBeNull();
    expect(
      computeAlpha([
        [2, 2],
        [2, 2],
      ]),
    ).toBeNull();
    expect(computeKappa([[0, null]])).toBeNull();
    expect(computeKappa([[2, 2]])).toBeNull();
  });
});
