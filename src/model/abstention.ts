/** When a model's label is not given: its card's thresholds on the top probability, one per label. */

import { ScoringError } from "../errors.ts";
import type { ModelCard } from "./card.ts";
import { formatModelId } from "./card.ts";

/** Precisions that a card keeps thresholds for. */
export const ABSTENTION_PRECISIONS = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95] as const;
/** One of {@link ABSTENTION_PRECISIONS}. */
export type AbstentionPrecision = (typeof ABSTENTION_PRECISIONS)[number];

/** In label order: the least top probability, at 6 decimals, that is given the label; `null` where the label is never given. */
export type Thresholds = readonly (number | null)[];

/** Whether a face with this label and top probability is given its label. */
export function isConfident(thresholds: Thresholds, label: number, top: number): boolean {
  const threshold = thresholds[label] ?? null;
  return threshold !== null && top >= threshold;
}

/**
 * The thresholds at which a stated share of the labels that are given is right, as measured when the card was made.
 * @throws ScoringError `validation_failed` at `abstain.precision` where the card has none for it
 */
export function findThresholds(
  card: Pick<ModelCard, "name" | "version" | "evaluations">,
  precision: AbstentionPrecision,
  tta: "none" | "flip",
): Thresholds {
  const measured = card.evaluations.filter(({ abstention }) => abstention !== undefined);
  const evaluation = measured.find((one) => one.tta === tta) ?? measured[0];
  const point = evaluation?.abstention?.find((one) => one.precision === precision);
  if (point !== undefined && point.thresholds.some((threshold) => threshold !== null)) return point.thresholds;
  const message = `${formatModelId(card)} reaches no precision of ${precision} that its card could promise; try a lower one, or measure it with \`npm run evaluate -- --write-card\``;
  throw new ScoringError("validation_failed", `abstain.precision: ${message}`, {
    issues: [{ path: "abstain.precision", code: "no_thresholds", message }],
  });
}
