import { describe, expect, it } from "vitest";
import { LABELS } from "../../../../src/model/labels.ts";
import { auditGroups, countRates, describeGaps, subtractRates } from "../../../../src/scoring/statistics/fairness.ts";
import { computeWilson } from "../../../../src/scoring/statistics/intervals.ts";
import { createRandom } from "../../../../src/scoring/statistics/random.ts";

/** Counts of `faces` faces, the labels in turn, each called right with its own chance and else the next label. */
function makeConfusion(seed: number, faces: number, recalls: readonly number[]): number[][] {
  const random = createRandom(seed);
  const confusion = LABELS.map(() => LABELS.map(() => 0));
  for (let face = 0; face < faces; face += 1) {
    const truth = face % LABELS.length;
    const called = random.next() < recalls[truth]! ? truth : (truth + 1) % LABELS.length;
    confusion[truth]![called]! += 1;
  }
  return confusion;
}

const even = LABELS.map(() => 0.7);

describe("the interval of a difference", () => {
  it("is Newcombe's of 56/70 and 48/80", () => {
    const { value, low, high } = subtractRates(computeWilson(56, 70)!, computeWilson(48, 80)!);
    expect(value).toBeCloseTo(0.2, 12);
    expect(low).toBeCloseTo(0.0524, 4);
    expect(high).toBeCloseTo(0.3339, 4);
  });
});

describe("the audit of groups", () => {
  it("finds the gap that was put in, and says which way it goes", () => {
    const worse = even.with(LABELS.indexOf("Sad"), 0.4);
    const audit = auditGroups("shop", [
      ...countRates("north", makeConfusion(1, 2800, even), LABELS),
      ...countRates("south", makeConfusion(2, 2800, worse), LABELS),
    ])!;
    expect(audit.comparisons).toBe(14);
    expect(audit.gaps[0]).toMatchObject({
      label: "Sad",
      kind: "recall",
      highest: "north",
      lowest: "south",
      settled: true,
    });
    expect(describeGaps(audit)[0]).toMatch(
      /^Sad is recognized more often in north than in south: \d+ points \(\d+ to \d+\) apart\.$/,
    );
    // What is sad and not recognized is called Surprise here.
    expect(describeGaps(audit)[1]).toContain("not Surprise are called so more often in south than in north");
  });

  it("cries wolf in at most 5 % of audits of equal groups, all rates and pairs together", () => {
    let alarms = 0;
    const runs = 400;
    for (let run = 0; run < runs; run += 1) {
      const rates = ["a", "b", "c", "d"].flatMap((group, index) =>
        countRates(group, makeConfusion(1000 + run * 4 + index, 350, even), LABELS),
      );
      if (auditGroups("shop", rates)!.gaps.some(({ settled }) => settled)) alarms += 1;
    }
    // 5 % of 400 are 20, give or take 4.4.
    expect(alarms).toBeLessThan(30);
  });

  it("says so where no gap is beyond chance, and nothing where there is nothing to compare", () => {
    const rates = ["a", "b"].flatMap((group, index) => countRates(group, makeConfusion(index, 140, even), LABELS));
    expect(describeGaps(auditGroups("shop", rates)!)).toEqual([
      "No gap between the 2 groups of shop is beyond chance (14 comparisons, 95 % for all together).",
    ]);
    expect(auditGroups("shop", countRates("a", makeConfusion(1, 140, even), LABELS))).toBeNull();
    const empty = LABELS.map(() => LABELS.map(() => 0));
    expect(
      auditGroups(
        "shop",
        ["a", "b"].flatMap((group) => countRates(group, empty, LABELS)),
      ),
    ).toBeNull();
  });
});
