/**
 * How good a classifier's labels are, from true and predicted classes. Pure counting: every figure can be refolded from
 * a confusion matrix, which adds up over chunks.
 */

import { LABELS, type Label } from "../../model/labels.ts";

/** Counts of faces; row: true label, column: predicted label, both in label order. */
export type ConfusionMatrix = readonly (readonly number[])[];

/** Figures of one class. A ratio without denominator is 0 (as scikit-learn's `zero_division=0`). */
export interface ClassFigures {
  readonly label: Label;
  /** Of the faces predicted as this label, the share that has it. */
  readonly precision: number;
  /** Of the faces that have this label, the share predicted as it. */
  readonly recall: number;
  /** Harmonic mean of precision and recall. */
  readonly f1: number;
  /** Faces that have this label. */
  readonly support: number;
}

/** Figures of one confusion matrix. */
export interface ClassificationFigures {
  readonly faces: number;
  readonly correct: number;
  readonly accuracy: number;
  /** Mean recall of the classes that occur. */
  readonly balancedAccuracy: number;
  /** Mean F1 of the classes that occur or are predicted. */
  readonly macroF1: number;
  readonly perClass: readonly ClassFigures[];
}

/**
 * Counts true against predicted labels.
 * @param truth label indices, below `labels`
 * @param predicted label indices, as many
 */
export function countConfusion(
  truth: ArrayLike<number>,
  predicted: ArrayLike<number>,
  labels = LABELS.length,
): number[][] {
  const matrix = Array.from({ length: labels }, () => Array.from({ length: labels }, () => 0));
  for (let index = 0; index < truth.length; index += 1) {
    const row = matrix[truth[index] ?? -1];
    const column = predicted[index] ?? -1;
    if (row?.[column] === undefined) throw new RangeError(`face ${index} has no label between 0 and ${labels - 1}`);
    row[column] = (row[column] ?? 0) + 1;
  }
  return matrix;
}

function divide(numerator: number, denominator: number): number {
  return denominator === 0 ? 0 : numerator / denominator;
}

function mean(values: readonly number[]): number {
  return divide(
    values.reduce((sum, value) => sum + value, 0),
    values.length,
  );
}

/** Accuracy, balanced accuracy, macro F1 and the figures of each class (Sokolova and Lapalme 2009). All 0…1. */
export function computeClassification(
  confusion: ConfusionMatrix,
  labels: readonly Label[] = LABELS,
): ClassificationFigures {
  const supports = labels.map((_, label) => (confusion[label] ?? []).reduce((sum, count) => sum + count, 0));
  const predictions = labels.map((_, label) => confusion.reduce((sum, row) => sum + (row[label] ?? 0), 0));
  const hits = labels.map((_, label) => confusion[label]?.[label] ?? 0);
  const perClass = labels.map((label, index): ClassFigures => {
    const [hit, support, predicted] = [hits[index] ?? 0, supports[index] ?? 0, predictions[index] ?? 0];
    return {
      label,
      precision: divide(hit, predicted),
      recall: divide(hit, support),
      f1: divide(2 * hit, support + predicted),
      support,
    };
  });
  const faces = supports.reduce((sum, count) => sum + count, 0);
  const correct = hits.reduce((sum, count) => sum + count, 0);
  const occurring = perClass.filter(({ support }) => support > 0);
  const known = perClass.filter(({ support }, index) => support + (predictions[index] ?? 0) > 0);
  return {
    faces,
    correct,
    accuracy: divide(correct, faces),
    balancedAccuracy: mean(occurring.map(({ recall }) => recall)),
    macroF1: mean(known.map(({ f1 }) => f1)),
    perClass,
  };
}
