/** Whether confidences can be taken at face value: expected calibration error and temperature scaling (Guo et al. 2017). */

import { LABEL_COUNT } from "../../model/labels.ts";
import { computeProbabilities, rowOf } from "../../model/softmax.ts";

/** Bins of the expected calibration error. */
export const CALIBRATION_BINS = 15;

/** Faces whose top probability lies in one of {@link CALIBRATION_BINS} equal intervals. */
export interface CalibrationBin {
  readonly count: number;
  readonly correct: number;
  /** Sum of top probabilities. */
  readonly confidence: number;
}

/** The bin of a top probability: intervals are open on the left and closed on the right, as in the paper. */
export function findCalibrationBin(confidence: number): number {
  return Math.min(CALIBRATION_BINS - 1, Math.max(0, Math.ceil(confidence * CALIBRATION_BINS) - 1));
}

/** Expected calibration error, 0…1: the gap between accuracy and mean confidence of each bin, weighted by its faces. */
export function computeCalibrationError(bins: readonly CalibrationBin[]): number {
  const faces = bins.reduce((sum, bin) => sum + bin.count, 0);
  if (faces === 0) return 0;
  return bins.reduce((sum, bin) => sum + Math.abs(bin.correct - bin.confidence), 0) / faces;
}

/** Index of the largest of the `labels` values of face `index`; ties go to the lower index. */
export function findTopLabel(values: ArrayLike<number>, index: number, labels = LABEL_COUNT): number {
  let top = 0;
  for (let label = 1; label < labels; label += 1) {
    if ((values[index * labels + label] ?? 0) > (values[index * labels + top] ?? 0)) top = label;
  }
  return top;
}

/** Labels of `[faces, labels]` values. */
export function countLabels(values: ArrayLike<number>, faces: number): number {
  return faces === 0 ? LABEL_COUNT : values.length / faces;
}

/**
 * Sorts faces into bins by their top probability.
 * @param probabilities `[faces, labels]`
 * @param truth label indices, as many as faces
 * @param weightOf faces that each stands for; 1 by default
 */
export function countCalibration(
  probabilities: ArrayLike<number>,
  truth: ArrayLike<number>,
  weightOf: (face: number) => number = () => 1,
): CalibrationBin[] {
  const bins = Array.from({ length: CALIBRATION_BINS }, () => ({ count: 0, correct: 0, confidence: 0 }));
  const labels = countLabels(probabilities, truth.length);
  for (let index = 0; index < truth.length; index += 1) {
    const top = findTopLabel(probabilities, index, labels);
    const confidence = probabilities[index * labels + top] ?? 0;
    const bin = bins[findCalibrationBin(confidence)];
    if (bin === undefined) continue;
    const weight = weightOf(index);
    bin.count += weight;
    bin.correct += truth[index] === top ? weight : 0;
    bin.confidence += weight * confidence;
  }
  return bins;
}

/** Sum over the faces of weight · (expected logit − true logit) under softmax(β·logits): the slope of the likelihood in β. */
function computeSlope(
  logits: Float32Array,
  truth: ArrayLike<number>,
  faces: readonly number[],
  beta: number,
  weightOf: (face: number) => number,
): number {
  let slope = 0;
  const labels = countLabels(logits, truth.length);
  for (const face of faces) {
    const row = rowOf(logits, face, labels);
    const highest = Math.max(...row);
    let sum = 0;
    let weighted = 0;
    for (const logit of row) {
      const weight = Math.exp((logit - highest) * beta);
      sum += weight;
      weighted += weight * logit;
    }
    slope += weightOf(face) * (weighted / sum - (row[truth[face] ?? 0] ?? 0));
  }
  return slope;
}

const TEMPERATURE_MIN = 0.05;
const TEMPERATURE_MAX = 20;

/**
 * The temperature T that makes softmax(logits / T) most likely for the true labels, 0.05…20.
 *
 * The negative log-likelihood is convex in 1/T, so the zero of its slope is found by bisection.
 * @param logits `[faces, labels]`
 * @param faces indices to fit on; all by default
 * @param weightOf faces that each stands for; 1 by default
 */
export function fitTemperature(
  logits: Float32Array,
  truth: ArrayLike<number>,
  faces: readonly number[] = Array.from({ length: truth.length }, (_, index) => index),
  weightOf: (face: number) => number = () => 1,
): number {
  let low = 1 / TEMPERATURE_MAX;
  let high = 1 / TEMPERATURE_MIN;
  for (let step = 0; step < 50; step += 1) {
    const middle = (low + high) / 2;
    if (computeSlope(logits, truth, faces, middle, weightOf) < 0) low = middle;
    else high = middle;
  }
  return 2 / (low + high);
}

/** A temperature and what it does to faces that it was not fitted on. */
export interface CrossFit {
  /** Fitted on all faces: the one to use. */
  readonly temperature: number;
  /** One per fold, fitted on the other folds. */
  readonly foldTemperatures: readonly number[];
  /** The temperature for each face, from the folds that do not hold it. */
  temperatureOf(face: number): number;
}

/** Fits a temperature on all faces, and one for each of `folds` parts on the others; face i belongs to part i mod folds. */
export function crossFitTemperature(logits: Float32Array, truth: ArrayLike<number>, folds = 5): CrossFit {
  const all = Array.from({ length: truth.length }, (_, index) => index);
  const foldTemperatures = Array.from({ length: folds }, (_, fold) =>
    fitTemperature(
      logits,
      truth,
      all.filter((face) => face % folds !== fold),
    ),
  );
  return {
    temperature: fitTemperature(logits, truth),
    foldTemperatures,
    temperatureOf: (face) => foldTemperatures[face % folds] ?? 1,
  };
}

/** Softmax of each face's logits divided by its own temperature, `[faces, labels]`. */
export function applyTemperatures(
  logits: Float32Array,
  temperatureOf: (face: number) => number,
  labels = LABEL_COUNT,
): Float32Array {
  const probabilities = new Float32Array(logits.length);
  for (let face = 0; face * labels < logits.length; face += 1) {
    probabilities.set(computeProbabilities(rowOf(logits, face, labels), 1, temperatureOf(face)), face * labels);
  }
  return probabilities;
}
