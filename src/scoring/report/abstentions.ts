/** What a report says of the faces whose label was not given. */

import { computeWilson, type ShareInterval } from "../statistics/intervals.ts";
import type { TallySummary } from "../fold/summary-tally.ts";
import { formatCount, formatInterval, formatPercent } from "./report-format.ts";

/** Faces without a label in a set of records. */
export interface AbstentionFigures {
  readonly faces: number;
  /** By the label that was not given, in label order. */
  readonly labels: readonly number[];
  /** Of the labels that were given and could be checked, the share that was right, Wilson 95 %; `null` where no true label is known. */
  readonly given: (ShareInterval & { readonly faces: number }) | null;
}

/** `null` where every face has its label. */
export function describeAbstained({ abstained = null, truth }: TallySummary): AbstentionFigures | null {
  if (abstained === null) return null;
  const judged = truth?.confusion.reduce((sum, count) => sum + count, 0) ?? 0;
  const right = abstained.labels.reduce(
    (sum, _, label) => sum + (truth?.confusion[label * (abstained.labels.length + 1)] ?? 0),
    0,
  );
  const faces = judged - abstained.judged;
  const share = computeWilson(right - abstained.correct, faces);
  return {
    faces: abstained.labels.reduce((sum, count) => sum + count, 0),
    labels: abstained.labels,
    given: share === null ? null : { ...share, faces },
  };
}

/** One or two sentences; `null` where the job gives every face its label. */
export function describeAbstentions(
  figures: AbstentionFigures | null,
  faces: number,
  precision: number | null,
): string | null {
  if (precision === null || faces === 0) return null;
  const unsure = figures?.faces ?? 0;
  const lead =
    `${formatCount(unsure)} of ${formatCount(faces)} faces (${formatPercent(unsure / faces)}) have no label: the job asks that ` +
    `${formatPercent(precision, 0)} of the labels of each kind be right, as the model's card measured it. Shares count the most probable label of every face.`;
  const given = figures?.given ?? null;
  if (given === null) return lead;
  return `${lead} Of ${formatCount(given.faces)} labels that were given and could be checked, ${formatPercent(given.value)} are right (95 % interval ${formatInterval(given)}).`;
}
