/** How differently the model treats the groups of a review: the audit of reports, with people's answers for true labels. */

import type { Label } from "../../model/labels.ts";
import { auditGroups, type FairnessAudit, type GroupRate } from "../statistics/fairness.ts";
import type { ShareInterval } from "../statistics/intervals.ts";
import { estimateByPrediction, estimateRatio, type SampledStratum } from "../statistics/stratified.ts";
import { type AnsweredStratum, sampleLabel } from "./review-strata.ts";

/**
 * Recall and false labels of every two groups, each by prediction-powered estimation within the group; the intervals of all gaps hold
 * together. A gap is to say how the model treats such pictures, not these alone, which differ by chance even where it treats all alike.
 * @param minAnswers labeled faces that a group must have to be compared
 * @returns `null` where fewer than two groups have that many
 */
export function auditReview(
  key: string,
  strata: readonly AnsweredStratum[],
  labels: readonly Label[],
  minAnswers: number,
): FairnessAudit | null {
  const values = [...new Set(strata.map(({ group }) => group))].filter((value) => value !== null);
  const rates = values.flatMap((group): GroupRate[] => {
    const own = strata.filter((stratum) => stratum.group === group);
    if (own.reduce((sum, { faces }) => sum + faces.length, 0) < minAnswers) return [];
    return labels.flatMap((label, index): GroupRate[] => [
      { group, label, kind: "recall", interval: measureRate(own, index, (stratum) => stratum) },
      { group, label, kind: "false label", interval: measureRate(own, index, invert) },
    ]);
  });
  return auditGroups(key, rates);
}

/** Of the faces that have a label (or, inverted, have not) the share that the model gave it to. */
function measureRate(
  strata: readonly AnsweredStratum[],
  label: number,
  change: (stratum: SampledStratum) => SampledStratum,
): (level: number) => ShareInterval | null {
  const whole = estimateByPrediction(sampleLabel(strata, label).map(change));
  const faces = strata.reduce((sum, { population }) => sum + population, 0);
  const called = strata.map((stratum) => stratum.label === label);
  return (level) => (whole.allZero ? null : estimateRatio(whole, called, level, faces));
}

function invert({ population, meanPrediction, values, predictions }: SampledStratum): SampledStratum {
  return {
    population,
    meanPrediction: 1 - meanPrediction,
    values: values.map((value) => 1 - value),
    predictions: predictions.map((value) => 1 - value),
  };
}
