import { describe, expect, it } from "vitest";
import { LABELS } from "../../../../src/model/labels.ts";
import { type ReviewLine, readAnswers } from "../../../../src/scoring/review/answers.ts";
import { describeReview } from "../../../../src/scoring/review/review-figures.ts";
import { createSampleDraw } from "../../../../src/scoring/review/draw-sample.ts";
import { type Coverage, measureCoverage } from "./coverage.ts";
import { type KnownFace, makePopulation } from "./population.ts";

const share = ({ held, tried }: Coverage): number => held / tried;

function drawReview(
  size: number,
  population = makePopulation(5, 4000),
  groupOf: (face: KnownFace) => string | null = () => null,
) {
  const draw = createSampleDraw<KnownFace>(9, size);
  for (const face of population) draw.add(face, groupOf(face));
  const sample = draw.finish(size);
  const design = {
    strata: sample.strata,
    faces: sample.faces.map(({ face, stratum }) => ({ stratum, probabilities: face.probabilities })),
  };
  const line = (at: number, label: ReviewLine["label"], reader = "one"): ReviewLine => ({
    at,
    id: String(sample.faces[at]!.face.index),
    key: "k",
    reader,
    label,
    time: "2026-01-01T00:00:00Z",
    seconds: 2,
  });
  const truths = sample.faces.map(({ face }, at) => line(at, LABELS[face.truth]!));
  return { population, sample, design, line, truths };
}

const width = ({ low, high }: { low: number; high: number }): number => high - low;

const groupOf = ({ index }: KnownFace): string => (index % 4 === 0 ? "north" : "south");

function fitOf(population: KnownFace[]) {
  const { design, truths } = drawReview(600, population);
  return describeReview(design, readAnswers(truths), 1).fit!;
}

describe("a review's figures", () => {
  it("hold the truth about as often as they say, over 2,000 populations (of three times as many faces: test/long)", () => {
    const report = measureCoverage(2000, 1000);
    for (const coverage of [...report.powered, ...report.review]) {
      expect(share(coverage)).toBeGreaterThan(0.935);
      expect(share(coverage)).toBeLessThan(0.965);
    }
    expect(share(report.accuracy)).toBeGreaterThan(0.935);
    expect(share(report.accuracy)).toBeLessThan(0.965);
    expect(share(report.rare)).toBeGreaterThan(0.95);
    // Never wider than the review alone.
    expect(report.worstWidth).toBeLessThanOrEqual(1.02);
    expect(report.meanWidth).toBeLessThan(0.96);
  });

  it("are exact where every face was read", () => {
    const { population, design, truths } = drawReview(300, makePopulation(3, 200));
    const { total } = describeReview(design, readAnswers(truths), 1);
    const sad = LABELS.indexOf("Sad");
    const is = population.filter(({ truth }) => truth === sad).length / 200;
    expect(total!.labels[sad]!.review).toEqual({
      value: expect.closeTo(is, 12),
      low: expect.closeTo(is, 12),
      high: expect.closeTo(is, 12),
    });
  });

  it("come when the reader stops early, once every stratum has two answers", () => {
    const { design, truths, sample } = drawReview(300);
    const needed = describeReview(design, readAnswers([]), 1);
    expect(needed.total).toBeNull();
    const two = sample.strata.reduce((sum, { population }) => sum + Math.min(2, population), 0);
    const early = describeReview(design, readAnswers(truths.slice(0, two)), 1);
    expect(early.missing).toBe(0);
    const late = describeReview(design, readAnswers(truths), 1);
    expect(width(late.total!.accuracy)).toBeLessThan(width(early.total!.accuracy));
  });

  it("say how many answers are missing, and join bands that lack them", () => {
    const { design, truths, sample } = drawReview(300);
    const first = sample.strata.findIndex(({ key }) => key.label === 3 && key.band === 0);
    const without = truths.filter(({ at }) => sample.faces[at]!.stratum !== first);
    expect(describeReview(design, readAnswers(without), 1).missing).toBe(0);
    const happy = new Set(sample.strata.flatMap(({ key }, index) => (key.label === 3 ? [index] : [])));
    const none = truths.filter(({ at }) => !happy.has(sample.faces[at]!.stratum));
    expect(describeReview(design, readAnswers(none), 1)).toMatchObject({ missing: 2, total: null });
  });

  it("take a reader's last word, and nothing that was undone", () => {
    const { line } = drawReview(100);
    const answers = readAnswers([
      line(0, "Sad"),
      line(0, "Happy"),
      line(1, "Sad"),
      line(1, "undone"),
      line(2, "cannot say"),
    ]);
    expect([...answers].map(([at, readers]) => [at, readers.get("one")])).toEqual([
      [0, "Happy"],
      [2, null],
    ]);
  });

  it("count a face that two readers call differently for half of each, and tell how far they agree", () => {
    const { design, truths, line } = drawReview(200);
    const second = truths.map(({ at, label }) => line(at, at % 5 === 0 ? "Neutral" : label, "two"));
    const figures = describeReview(design, readAnswers([...truths, ...second]), 1);
    expect(figures.readers.map(({ reader, answered }) => [reader, answered])).toEqual([
      ["one", 200],
      ["two", 200],
    ]);
    const { alpha, kappa } = figures.agreement!;
    expect(alpha!.value).toBeGreaterThan(0.6);
    expect(alpha!.value).toBeLessThan(0.95);
    expect(alpha!.low).toBeLessThan(alpha!.value);
    expect(kappa!.value).toBeCloseTo(alpha!.value, 1);
    const shares = figures.total!.labels.map(({ review }) => review.value);
    expect(shares.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 9);
  });

  it("estimate what readers cannot label, and leave it out of the rest", () => {
    const { design, truths } = drawReview(300);
    const third = truths.map((one) => (one.at % 3 === 2 ? { ...one, label: "cannot say" as const } : one));
    const figures = describeReview(design, readAnswers(third), 1);
    expect(figures.cannotSay!.low).toBeLessThan(1 / 3);
    expect(figures.cannotSay!.high).toBeGreaterThan(1 / 3);
    expect(figures.answered).toBe(200);
    expect(figures.total).not.toBeNull();
  });

  it("hold for each group that the sample was laid out by", () => {
    const { design, truths, population } = drawReview(400, makePopulation(8, 4000), groupOf);
    const { groups } = describeReview(design, readAnswers(truths), 1);
    expect(groups.map(({ value, figures }) => [value, figures.faces])).toEqual([
      ["north", 1000],
      ["south", 3000],
    ]);
    const happy = population.filter((face) => groupOf(face) === "north" && face.truth === 3).length / 1000;
    const { powered } = groups[0]!.figures.labels[3]!;
    expect(powered.low).toBeLessThan(happy);
    expect(powered.high).toBeGreaterThan(happy);
  });

  it("propose a temperature for a model that is too sure, and thresholds that are right often enough", () => {
    // 4,000 faces of a model whose probabilities are those of twice its logits.
    const sure = makePopulation(21, 4000).map((face) => {
      const squared = face.probabilities.map((value) => value ** 2);
      const sum = squared.reduce((total, value) => total + value, 0);
      return { ...face, probabilities: squared.map((value) => value / sum) };
    });
    const [honest, twice] = [fitOf(makePopulation(21, 4000)), fitOf(sure)];
    expect(twice.temperature / honest.temperature).toBeCloseTo(2, 0);
    expect(twice.calibrationError.after).toBeLessThan(twice.calibrationError.before);
    for (const { threshold, precision, kept } of honest.thresholds) {
      if (threshold === null) continue;
      expect(precision).toBeGreaterThanOrEqual(0.8);
      expect(kept).toBeGreaterThan(0);
    }
    expect(honest.thresholds.some(({ threshold }) => threshold !== null)).toBe(true);
  });
});
