/**
 * When a label is worth giving: one threshold per label on the top probability, so that a stated share of the given
 * labels is right (selective classification: El-Yaniv and Wiener 2010, JMLR 11:1605–1641).
 */

import { ABSTENTION_PRECISIONS, isConfident } from "../../model/abstention.ts";
import { countLabels, findTopLabel } from "./calibration.ts";

/** A label whose threshold would rest on fewer faces is not given at all. */
export const MIN_ABSTENTION_FACES = 20;

/** Thresholds for one precision, and their results on faces that they were not fitted on. */
export interface AbstentionPoint {
  /** What was asked for, of each label. */
  readonly precision: number;
  /** By label: the lowest top probability at which a face gets the label; null if no threshold reaches the precision. */
  readonly thresholds: readonly (number | null)[];
  /** Share of the faces that were given a label; cross-fitted. */
  readonly coverage: number;
  /** Share of these that were right; cross-fitted, 0 where no face was given a label. */
  readonly achieved: number;
}

/**
 * The lowest threshold of each label at which at least `precision` of the faces above it are right.
 * @param probabilities `[faces, labels]`, after the temperature that is served
 * @param truth label indices
 * @param faces indices to fit on; all by default
 */
export function fitThresholds(
  probabilities: ArrayLike<number>,
  truth: ArrayLike<number>,
  precision: number,
  faces: readonly number[] = Array.from({ length: truth.length }, (_, index) => index),
): (number | null)[] {
  const labels = countLabels(probabilities, truth.length);
  const byLabel: { top: number; right: boolean }[][] = Array.from({ length: labels }, () => []);
  for (const face of faces) {
    const label = findTopLabel(probabilities, face, labels);
    byLabel[label]!.push({ top: probabilities[face * labels + label] ?? 0, right: truth[face] === label });
  }
  return byLabel.map((group) => {
    const sorted = group.sort((a, b) => b.top - a.top);
    let right = 0;
    let threshold: number | null = null;
    sorted.forEach((face, index) => {
      right += face.right ? 1 : 0;
      // Faces with equal probabilities are given the label together.
      if (sorted[index + 1]?.top === face.top) return;
      const given = index + 1;
      if (given >= MIN_ABSTENTION_FACES && right >= precision * given) {
        threshold = given === sorted.length ? 0 : face.top;
      }
    });
    return threshold;
  });
}

/**
 * The trade-off between how many faces get a label and how many of the labels are right, at the
 * {@link ABSTENTION_PRECISIONS}. Thresholds are fitted on all faces; coverage and precision are measured with those of
 * the other folds. Face i belongs to fold i mod `folds`.
 */
export function fitAbstention(
  probabilities: ArrayLike<number>,
  truth: ArrayLike<number>,
  folds = 5,
): AbstentionPoint[] {
  const all = Array.from({ length: truth.length }, (_, index) => index);
  const labels = countLabels(probabilities, truth.length);
  return ABSTENTION_PRECISIONS.map((precision) => {
    let given = 0;
    let right = 0;
    for (let fold = 0; fold < folds; fold += 1) {
      const outside = all.filter((face) => face % folds !== fold);
      const thresholds = fitThresholds(probabilities, truth, precision, outside);
      for (let face = fold; face < truth.length; face += folds) {
        const label = findTopLabel(probabilities, face, labels);
        if (!isConfident(thresholds, label, probabilities[face * labels + label] ?? 0)) continue;
        given += 1;
        right += truth[face] === label ? 1 : 0;
      }
    }
    return {
      precision,
      thresholds: fitThresholds(probabilities, truth, precision),
      coverage: truth.length === 0 ? 0 : given / truth.length,
      achieved: given === 0 ? 0 : right / given,
    };
  });
}
