/** What a review says, in a sentence or two, for the page, the console and the terminal. */

import type { ReviewView } from "./review-desk.ts";
import { formatCount, formatInterval, formatPercent } from "../report/report-format.ts";

/** The result in a sentence or two. */
export function describeLead({ figures, newOnly }: Pick<ReviewView, "figures" | "newOnly">): string {
  const { total, seen, drawn, missing } = figures;
  const read = `${formatCount(seen)} of ${formatCount(drawn)} drawn faces were read`;
  if (total === null) {
    return `${read}. ${formatCount(missing)} more ${missing === 1 ? "answer is" : "answers are"} needed before anything can be said of ${newOnly ? "all new pictures" : "the whole job"}.`;
  }
  const { accuracy, meanConfidence, faces } = total;
  const claim =
    meanConfidence > accuracy.high
      ? ` The model is surer than it is right: its mean probability is ${formatPercent(meanConfidence)}.`
      : meanConfidence < accuracy.low
        ? ` The model is right more often than it is sure: its mean probability is ${formatPercent(meanConfidence)}.`
        : "";
  return `${read}. On these ${formatCount(faces)} ${newOnly ? "new " : ""}faces the model is right for ${formatPercent(accuracy.value)} (95 % interval ${formatInterval(accuracy)}).${claim}`;
}
