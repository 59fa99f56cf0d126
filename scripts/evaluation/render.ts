import Table from "cli-table3";
import type { ModelCondition } from "../../src/model/card.ts";
import type { Dataset } from "../../src/evaluation/dataset.ts";
import type { Evaluation, ModelFigures } from "../../src/evaluation/evaluate-model.ts";

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const fixed = (value: number): string => value.toFixed(4);
const PLAIN = { style: { head: [], border: [], compact: true } };

function renderMode(mode: Evaluation): string {
  const labels = mode.perClass.map(({ label }) => label);
  const perClass = new Table({ ...PLAIN, head: ["label", "precision", "recall", "F1", "faces"] });
  for (const row of mode.perClass) {
    perClass.push([row.label, percent(row.precision), percent(row.recall), percent(row.f1), String(row.support)]);
  }
  const confusion = new Table({ ...PLAIN, head: ["true \\ predicted", ...labels] });
  const abstention = new Table({
    ...PLAIN,
    head: ["asked of each label", "faces labeled", "of these right", "never given"],
  });
  for (const point of mode.abstention) {
    const never = labels.filter((_, label) => point.thresholds[label] === null);
    abstention.push([percent(point.precision), percent(point.coverage), percent(point.achieved), never.join(", ")]);
  }
  mode.confusion.forEach((row, index) => confusion.push([labels[index] ?? "", ...row.map(String)]));
  return [
    mode.tta === "flip" ? "With the mirrored face averaged in (tta: flip)" : "Single pass (tta: none)",
    `  accuracy            ${fixed(mode.accuracy)}  (${mode.correct} of ${mode.faces}; 95 % interval ${fixed(mode.interval[0])} to ${fixed(mode.interval[1])})`,
    `  balanced accuracy   ${fixed(mode.balancedAccuracy)}`,
    `  macro F1            ${fixed(mode.macroF1)}`,
    `  calibration error   ${fixed(mode.ece.before)} as trained, ${fixed(mode.ece.after)} with the temperature (15 bins, cross-fitted)`,
    perClass.toString(),
    confusion.toString(),
    "Faces that would be labeled if a label had to be right this often (cross-fitted)",
    abstention.toString(),
  ].join("\n");
}

/** The figures as a person reads them. */
export function renderFigures(model: string, engine: string, dataset: Dataset, figures: ModelFigures): string {
  const rate = Math.round((1000 * dataset.count) / Math.max(1, figures.cpuMs));
  const folds = figures.foldTemperatures.map((value) => value.toFixed(3)).join(", ");
  const failed = dataset.failed.slice(0, 20).map(({ path, code, message }) => `  ${path}: ${code}: ${message}`);
  return [
    `${model} on ${dataset.name}: ${dataset.count} faces, ${engine}, ${rate} faces per CPU-second`,
    ...(failed.length > 0 ? [`${dataset.failed.length} files could not be read and are not counted:`, ...failed] : []),
    ...(dataset.unknown.length > 0
      ? [`folders that name no label are not counted: ${dataset.unknown.join(", ")}`]
      : []),
    `temperature ${figures.fittedTemperature.toFixed(3)} fits these faces best (by fold: ${folds})`,
    "",
    figures.modes.map(renderMode).join("\n\n"),
    "",
    "Labels name an apparent facial expression, never what a person feels.",
  ].join("\n");
}

/** Accuracy by condition as a person reads it. */
export function renderConditions(rows: readonly ModelCondition[]): string {
  const table = new Table({ ...PLAIN, head: ["condition", "accuracy", "95 % interval", "balanced", "points lost"] });
  const base = rows[0]?.accuracy ?? 0;
  for (const row of rows) {
    const [low, high] = row.interval;
    const lost = (100 * (base - row.accuracy)).toFixed(1);
    table.push([
      row.condition,
      fixed(row.accuracy),
      `${fixed(low)} to ${fixed(high)}`,
      fixed(row.balancedAccuracy),
      lost,
    ]);
  }
  return `Single pass, by condition\n${table.toString()}`;
}
