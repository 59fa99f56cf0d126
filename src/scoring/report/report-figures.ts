/** Figures that a reader can use, from the exact sums of a tally. */

import { type AbstentionFigures, describeAbstained } from "./abstentions.ts";
import { LABELS, type Label } from "../../model/labels.ts";
import { computeCalibrationError } from "../statistics/calibration.ts";
import { type ClassificationFigures, computeClassification } from "../statistics/classification.ts";
import { computeWilson, type ShareInterval } from "../statistics/intervals.ts";
import { estimatePrevalence, type PrevalenceEstimate } from "../statistics/prevalence.ts";
import { describeMoment, type MomentFigures, type QualityMeasure } from "../fold/summary-quality.ts";
import { countFaces, countInputs, MICRO, type TallySummary } from "../fold/summary-tally.ts";

/** One label of a set of faces. */
export interface LabelFigures {
  readonly label: Label;
  readonly count: number;
  /** Share of the scored faces, Wilson 95 %; `null` without faces. */
  readonly share: ShareInterval | null;
  readonly meanProbability: number | null;
  /** Share corrected for the model's confusions, with its bootstrap interval; `null` where it cannot be estimated. */
  readonly corrected: ShareInterval | null;
}

/** Figures against true labels. */
export interface TruthFigures extends ClassificationFigures {
  /** Wilson 95 % of the accuracy. */
  readonly interval: ShareInterval | null;
  /** Row true label, column predicted label. */
  readonly confusion: readonly (readonly number[])[];
  /** Expected calibration error, 15 bins. */
  readonly calibrationError: number;
}

/** Figures of one set of records. */
export interface Figures {
  readonly inputs: number;
  readonly faces: number;
  readonly labels: readonly LabelFigures[];
  /** Faces whose label was not given; `null` where every one was. */
  readonly abstained: AbstentionFigures | null;
  /** Nats; `null` without faces, as all means. */
  readonly meanEntropy: number | null;
  readonly meanMargin: number | null;
  /** Faces by top probability, 20 bins of equal width from 0 to 1. */
  readonly confidence: readonly number[];
  readonly truth: TruthFigures | null;
  readonly quality: Readonly<Record<QualityMeasure, MomentFigures>> | null;
  /** Faces that are a whole picture by contract (`aligned`), though its longer side is more than 1.25 of its shorter ones. */
  readonly oblong: number;
}

/** What {@link describeTally} needs for corrected shares. */
export interface CorrectionOptions {
  /** Counts of the model's evaluation; `null` leaves shares uncorrected. */
  readonly confusion: readonly (readonly number[])[] | null;
  readonly seed: number;
  readonly replicates: number;
}

/** Counts row behind row, as rows. */
export function readConfusion(flat: readonly number[]): number[][] {
  const size = Math.sqrt(flat.length);
  return Array.from({ length: size }, (_, row) => flat.slice(row * size, (row + 1) * size));
}

function describeTruth(tally: TallySummary, labels: readonly Label[]): TruthFigures | null {
  if (tally.truth === null) return null;
  const { calibration } = tally.truth;
  const confusion = readConfusion(tally.truth.confusion);
  const figures = computeClassification(confusion, labels);
  return {
    ...figures,
    interval: computeWilson(figures.correct, figures.faces),
    confusion,
    calibrationError: computeCalibrationError(
      calibration.faces.map((count, bin) => ({
        count,
        correct: calibration.correct[bin] ?? 0,
        confidence: (calibration.confidence[bin] ?? 0) / MICRO,
      })),
    ),
  };
}

/** Figures of a tally. */
export function describeTally(
  tally: TallySummary,
  correction: CorrectionOptions,
  labels: readonly Label[] = LABELS,
): { figures: Figures; prevalence: PrevalenceEstimate | null } {
  const faces = countFaces(tally);
  const mean = (micros: number): number | null => (faces === 0 ? null : micros / faces / MICRO);
  const prevalence =
    correction.confusion === null ? null : estimatePrevalence(tally.labels, correction.confusion, correction);
  const figures: Figures = {
    inputs: countInputs(tally),
    faces,
    labels: labels.map((label, index) => ({
      label,
      count: tally.labels[index] ?? 0,
      share: computeWilson(tally.labels[index] ?? 0, faces),
      meanProbability: mean(tally.probabilities[index] ?? 0),
      corrected: prevalence?.shares[index] ?? null,
    })),
    abstained: describeAbstained(tally),
    meanEntropy: mean(tally.entropy),
    meanMargin: mean(tally.margin),
    confidence: tally.confidence,
    truth: describeTruth(tally, labels),
    quality:
      tally.quality === null
        ? null
        : {
            brightness: describeMoment(tally.quality.brightness),
            contrast: describeMoment(tally.quality.contrast),
            side: describeMoment(tally.quality.side),
          },
    oblong: tally.oblong ?? 0,
  };
  return { figures, prevalence };
}
