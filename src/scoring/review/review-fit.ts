/** What a review proposes for the next run: a temperature, and per label the probability from which the label can be relied on. */

import { LABELS, type Label } from "../../model/labels.ts";
import {
  applyTemperatures,
  computeCalibrationError,
  countCalibration,
  fitTemperature,
} from "../statistics/calibration.ts";
import type { AnsweredStratum } from "./review-strata.ts";

/** The least probability from which a label is right often enough. */
export interface LabelThreshold {
  readonly label: Label;
  /** 0…1; `null` if no threshold reaches the aim with at least {@link MIN_FACES} faces of the sample. */
  readonly threshold: number | null;
  /** Estimated precision at and above the threshold, and the share of the label's faces that remain. */
  readonly precision: number | null;
  readonly kept: number;
}

/** Values fitted to the answers, weighted as the sample was drawn. */
export interface ReviewFit {
  /** Factor for the model's temperature: above 1 if the model is too sure. */
  readonly temperature: number;
  /** Expected calibration error before and after it, 15 bins; with few faces both read too high. */
  readonly calibrationError: { readonly before: number; readonly after: number };
  /** What {@link thresholds} aim at, 0…1. */
  readonly precisionAim: number;
  readonly thresholds: readonly LabelThreshold[];
}

/** Precision that thresholds aim at. */
export const PRECISION_AIM = 0.8;
/** Faces of the sample that a threshold must rest on. */
const MIN_FACES = 10;
/** Records hold probabilities at 6 decimals: 0 is anything below half of the last. */
const LEAST_PROBABILITY = 5e-7;

interface WeightedAnswer {
  readonly stratum: AnsweredStratum;
  readonly probabilities: readonly number[];
  readonly truth: number;
  /** Faces of the job that it stands for. */
  readonly weight: number;
}

function listAnswers(strata: readonly AnsweredStratum[]): WeightedAnswer[] {
  return strata.flatMap((stratum) =>
    stratum.faces.flatMap(({ probabilities, truth }) =>
      truth.flatMap((share, label) =>
        share === 0
          ? []
          : [{ stratum, probabilities, truth: label, weight: (share * stratum.population) / stratum.faces.length }],
      ),
    ),
  );
}

/** Fits both to the answers. The temperature is that of the greatest likelihood; the errors are of the faces that it was fitted on. */
export function fitReview(strata: readonly AnsweredStratum[], labels: readonly Label[] = LABELS): ReviewFit {
  const answers = listAnswers(strata);
  const logits = Float32Array.from(
    answers.flatMap(({ probabilities }) => probabilities.map((value) => Math.log(Math.max(LEAST_PROBABILITY, value)))),
  );
  const truth = answers.map((answer) => answer.truth);
  const weightOf = (face: number): number => answers[face]?.weight ?? 0;
  const temperature = fitTemperature(logits, truth, undefined, weightOf);
  const measure = (scale: number): number =>
    computeCalibrationError(
      countCalibration(
        applyTemperatures(logits, () => scale, labels.length),
        truth,
        weightOf,
      ),
    );
  return {
    temperature,
    calibrationError: { before: measure(1), after: measure(temperature) },
    precisionAim: PRECISION_AIM,
    thresholds: labels.map((label, index) => fitThreshold(label, index, answers)),
  };
}

function fitThreshold(label: Label, index: number, answers: readonly WeightedAnswer[]): LabelThreshold {
  const called = answers
    .filter(({ stratum }) => stratum.label === index)
    .sort((a, b) => (b.probabilities[index] ?? 0) - (a.probabilities[index] ?? 0));
  const all = called.reduce((sum, { weight }) => sum + weight, 0);
  let [above, right, faces] = [0, 0, 0];
  let best: LabelThreshold = { label, threshold: null, precision: null, kept: 0 };
  for (const [at, { weight, truth, probabilities }] of called.entries()) {
    above += weight;
    faces += 1;
    if (truth === index) right += weight;
    const probability = probabilities[index] ?? 0;
    // A threshold lies between two probabilities, not among equal ones.
    if (called[at + 1]?.probabilities[index] === probability) continue;
    if (faces >= MIN_FACES && right / above >= PRECISION_AIM) {
      best = { label, threshold: probability, precision: right / above, kept: above / all };
    }
  }
  return best;
}
