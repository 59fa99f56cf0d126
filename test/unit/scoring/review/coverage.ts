/** How often the intervals of a review hold the truth, over made populations. */

import { LABELS } from "../../../../src/model/labels.ts";
import { createSampleDraw } from "../../../../src/scoring/review/draw-sample.ts";
import { describeStrata } from "../../../../src/scoring/review/review-figures.ts";
import { gatherAnswers } from "../../../../src/scoring/review/review-strata.ts";
import type { ShareInterval } from "../../../../src/scoring/statistics/intervals.ts";
import { type KnownFace, makePopulation } from "./population.ts";

/** Intervals that were tried, and those that held. */
export interface Coverage {
  tried: number;
  held: number;
}

/** One coverage a label, of labels that at least 1 % of the population have; `rare` is that of all others together. */
export interface CoverageReport {
  readonly powered: readonly Coverage[];
  readonly review: readonly Coverage[];
  readonly precision: readonly Coverage[];
  readonly recall: readonly Coverage[];
  readonly rare: Coverage;
  readonly accuracy: Coverage;
  /** Width of the prediction-powered interval by that of the review's own: the worst, and the mean over all. */
  readonly worstWidth: number;
  readonly meanWidth: number;
}

const SIZES = [150, 300, 600];

const perLabel = (): Coverage[] => LABELS.map(() => ({ tried: 0, held: 0 }));

/** Draws a review from each population, answers it with the truth, and looks. */
export function measureCoverage(populations: number, faces: number): CoverageReport {
  const [powered, review, precision, recall] = [perLabel(), perLabel(), perLabel(), perLabel()];
  const rare: Coverage = { tried: 0, held: 0 };
  const accuracy: Coverage = { tried: 0, held: 0 };
  let [worstWidth, poweredWidth, reviewWidth] = [0, 0, 0];
  const look = (coverage: Coverage, interval: ShareInterval | null, truth: number): void => {
    if (interval === null) return;
    coverage.tried += 1;
    if (interval.low <= truth && truth <= interval.high) coverage.held += 1;
  };
  for (let seed = 1; seed <= populations; seed += 1) {
    const population = makePopulation(seed, faces);
    const figures = answerAll(population, seed, SIZES[seed % SIZES.length]!);
    // Row true label, column the model's.
    const counts = LABELS.map(() => LABELS.map(() => 0));
    for (const { truth, label } of population) counts[truth]![label]! += 1;
    const right = counts.reduce((sum, row, label) => sum + row[label]!, 0);
    look(accuracy, figures.accuracy, right / faces);
    for (const [index, own] of figures.labels.entries()) {
      const is = counts[index]!.reduce((sum, count) => sum + count, 0);
      const called = counts.reduce((sum, row) => sum + row[index]!, 0);
      const both = counts[index]![index]!;
      const common = is >= 0.01 * faces;
      look(common ? powered[index]! : rare, own.powered, is / faces);
      if (common) {
        look(review[index]!, own.review, is / faces);
        look(recall[index]!, own.recall, both / is);
      }
      if (called > 0.01 * faces) look(precision[index]!, own.precision, both / called);
      const widths = [own.powered, own.review].map(({ low, high }) => high - low);
      worstWidth = Math.max(worstWidth, widths[0]! / widths[1]!);
      poweredWidth += widths[0]!;
      reviewWidth += widths[1]!;
    }
  }
  return { powered, review, precision, recall, rare, accuracy, worstWidth, meanWidth: poweredWidth / reviewWidth };
}

function answerAll(population: readonly KnownFace[], seed: number, size: number) {
  const draw = createSampleDraw<KnownFace>(seed * 7 + 3, size);
  for (const face of population) draw.add(face, null);
  const { strata, faces } = draw.finish(size);
  const answers = new Map(faces.map(({ face }, at) => [at, new Map([["one", LABELS[face.truth]!]])]));
  const reviewed = faces.map(({ face, stratum }) => ({ stratum, probabilities: face.probabilities }));
  return describeStrata(gatherAnswers(strata, reviewed, answers).strata);
}
