import Table from "cli-table3";
import type { ModelEvaluation } from "../../src/model/card.ts";
import { LABELS } from "../../src/model/labels.ts";
import type { Dataset } from "./dataset.ts";
import type { Evaluation, ModelFigures } from "./evaluate-model.ts";

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const fixed = (value: number): string => value.toFixed(4);
const PLAIN = { style: { head: [], border: [], compact: true } };

function renderMode(mode: Evaluation): string {
  const perClass = new Table({ ...PLAIN, head: ["label", "precision", "recall", "F1", "faces"] });
  for (const row of mode.perClass) {
    perClass.push([row.label, percent(row.precision), percent(row.recall), percent(row.f1), String(row.support)]);
  }
  const confusion = new Table({ ...PLAIN, head: ["true \\ predicted", ...LABELS] });
  mode.confusion.forEach((row, index) => confusion.push([LABELS[index] ?? "", ...row.map(String)]));
  return [
    mode.tta === "flip" ? "With the mirrored face averaged in (tta: flip)" : "Single pass (tta: none)",
    `  accuracy            ${fixed(mode.accuracy)}  (${mode.correct} of ${mode.faces}; 95 % interval ${fixed(mode.interval[0])} to ${fixed(mode.interval[1])})`,
    `  balanced accuracy   ${fixed(mode.balancedAccuracy)}`,
    `  macro F1            ${fixed(mode.macroF1)}`,
    `  calibration error   ${fixed(mode.ece.before)} as trained, ${fixed(mode.ece.after)} with the temperature (15 bins, cross-fitted)`,
    perClass.toString(),
    confusion.toString(),
  ].join("\n");
}

/** The figures as a person reads them. */
export function renderFigures(model: string, engine: string, dataset: Dataset, figures: ModelFigures): string {
  const rate = Math.round((1000 * dataset.count) / Math.max(1, figures.cpuMs));
  const folds = figures.foldTemperatures.map((value) => value.toFixed(3)).join(", ");
  const failed = dataset.failed.slice(0, 20).map(({ path, code, message }) => `  ${path}: ${code}: ${message}`);
  return [
    `${model} on ${dataset.name}: ${dataset.count} faces, ${engine}, ${rate} faces a CPU-second`,
    ...(failed.length > 0 ? [`${dataset.failed.length} files could not be read and are not counted:`, ...failed] : []),
    `temperature ${figures.fittedTemperature.toFixed(3)} fits these faces best (by fold: ${folds})`,
    "",
    figures.modes.map(renderMode).join("\n\n"),
    "",
    "Labels name an apparent facial expression, never what a person feels.",
  ].join("\n");
}

const round = (value: number): number => Number(value.toFixed(6));

/** One mode as a card keeps it. Shares are rounded to 6 digits, so that a card can be compared by eye. */
export function toCardEvaluation(mode: Evaluation, dataset: string, command: string): ModelEvaluation {
  return {
    dataset,
    command,
    tta: mode.tta,
    faces: mode.faces,
    accuracy: round(mode.accuracy),
    interval: [round(mode.interval[0]), round(mode.interval[1])],
    balancedAccuracy: round(mode.balancedAccuracy),
    macroF1: round(mode.macroF1),
    ece: { before: round(mode.ece.before), after: round(mode.ece.after) },
    perClass: mode.perClass.map((row) => ({
      label: row.label,
      precision: round(row.precision),
      recall: round(row.recall),
      f1: round(row.f1),
      support: row.support,
    })),
    confusion: mode.confusion.map((row) => [...row]),
  };
}
