/** Figures as a model card keeps them. */

import type { ModelEvaluation } from "../model/card.ts";
import type { Evaluation } from "./evaluate-model.ts";

/** Six digits, so that cards can be compared by eye. */
export const roundShare = (value: number): number => Number(value.toFixed(6));

/** One mode as a card keeps it. */
export function toCardEvaluation(mode: Evaluation, dataset: string, command: string): ModelEvaluation {
  return {
    dataset,
    command,
    tta: mode.tta,
    faces: mode.faces,
    accuracy: roundShare(mode.accuracy),
    interval: [roundShare(mode.interval[0]), roundShare(mode.interval[1])],
    balancedAccuracy: roundShare(mode.balancedAccuracy),
    macroF1: roundShare(mode.macroF1),
    ece: { before: roundShare(mode.ece.before), after: roundShare(mode.ece.after) },
    perClass: mode.perClass.map((row) => ({
      label: row.label,
      precision: roundShare(row.precision),
      recall: roundShare(row.recall),
      f1: roundShare(row.f1),
      support: row.support,
    })),
    confusion: mode.confusion.map((row) => [...row]),
    abstention: mode.abstention.map(({ precision, thresholds, coverage, achieved }) => ({
      precision,
      // Rounded down: a face at the threshold stays labeled.
      thresholds: thresholds.map((value) => (value === null ? null : Math.floor(value * 1e6) / 1e6)),
      coverage: roundShare(coverage),
      achieved: roundShare(achieved),
    })),
  };
}
