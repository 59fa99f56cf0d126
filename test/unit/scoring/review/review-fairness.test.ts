import { describe, expect, it } from "vitest";
import { LABELS } from "../../../../src/model/labels.ts";
import { createSampleDraw } from "../../../../src/scoring/review/draw-sample.ts";
import { auditReview } from "../../../../src/scoring/review/review-fairness.ts";
import { gatherAnswers } from "../../../../src/scoring/review/review-strata.ts";
import { type KnownFace, makePopulation } from "./population.ts";

/** Gaps between groups by people's answers: those that are there are found, and chance is not taken for one. */

const SAD = LABELS.indexOf("Sad");
const NEUTRAL = LABELS.indexOf("Neutral");
const groupOf = ({ index }: KnownFace): string => ["north", "south"][index % 2]!;

function audit(population: readonly KnownFace[], size: number, minAnswers = 10) {
  const draw = createSampleDraw<KnownFace>(3, size);
  for (const face of population) draw.add(face, groupOf(face));
  const { strata, faces } = draw.finish(size);
  const answers = new Map(faces.map(({ face }, at) => [at, new Map([["one", LABELS[face.truth]!]])]));
  const reviewed = faces.map(({ face, stratum }) => ({ stratum, probabilities: face.probabilities }));
  return auditReview("region", gatherAnswers(strata, reviewed, answers).strata, LABELS, minAnswers);
}

const rateOf = (faces: readonly KnownFace[], group: string): number => {
  const has = faces.filter((face) => groupOf(face) === group && face.truth === SAD);
  return has.filter(({ label }) => label === SAD).length / has.length;
};

describe("the audit of a review", () => {
  it("finds that a label is missed in one group, with an interval that holds the true gap", () => {
    // In the north, most faces that are called neutral are sad.
    const population = makePopulation(4, 4000).map((face) =>
      groupOf(face) === "north" && face.label === NEUTRAL && face.index % 8 < 6 ? { ...face, truth: SAD } : face,
    );
    const { gaps, comparisons, groups } = audit(population, 600)!;
    expect(groups).toEqual(["north", "south"]);
    // Of Disgust nobody was found in one of them.
    expect(comparisons).toBe(2 * LABELS.length - 1);
    const found = gaps.find(({ label, kind }) => label === "Sad" && kind === "recall")!;
    expect(found).toMatchObject({ settled: true, highest: "south", lowest: "north" });
    const gap = rateOf(population, "south") - rateOf(population, "north");
    expect(found.gap.low).toBeLessThan(gap);
    expect(found.gap.high).toBeGreaterThan(gap);
  });

  it("finds a gap between groups alike in at most one of twenty populations", () => {
    let alarms = 0;
    const populations = 200;
    for (let seed = 1; seed <= populations; seed += 1) {
      alarms += Number(audit(makePopulation(seed, 800), 240)!.gaps.some(({ settled }) => settled));
    }
    expect(alarms / populations).toBeLessThanOrEqual(0.05);
  });

  it("compares no group that has too few answers", () => {
    expect(audit(makePopulation(4, 1000), 200, 1000)).toBeNull();
  });
});
