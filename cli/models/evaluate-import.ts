import type { ModelCard, ModelEvaluation } from "../../src/model/card.ts";
import type { Classifier } from "../../src/model/classifier.ts";
import { toCardEvaluation } from "../../src/evaluation/card-evaluation.ts";
import type { Dataset } from "../../src/evaluation/dataset.ts";
import { evaluateModel } from "../../src/evaluation/evaluate-model.ts";
import { openDataset } from "../../src/evaluation/open-dataset.ts";
import { formatCount, formatInterval, formatPercent } from "../../src/scoring/report/report-format.ts";
import { showText } from "../terminal-text.ts";

/** Files that are named; of the rest, how many. */
const MOST_NAMED = 5;

/**
 * Measures an imported model on labeled faces, single pass, for its card.
 * @param command what measures it again
 * @throws ScoringError `validation_failed` where the data set cannot be read
 */
export async function evaluateImport(
  classifier: Classifier,
  { labels, input }: Pick<ModelCard, "labels" | "input">,
  data: { readonly path: string; readonly usage: string; readonly command: string },
): Promise<{ readonly evaluation: ModelEvaluation; readonly lines: readonly string[] }> {
  const dataset = await openDataset(data.path, { usage: data.usage, limit: Infinity, labels, input });
  const { modes } = await evaluateModel(classifier, dataset, ["none"], 1);
  const [measured] = modes;
  if (measured === undefined) throw new Error("no mode was measured");
  const { ece, ...rest } = toCardEvaluation(measured, dataset.name, data.command);
  // The card has no temperature: probabilities stay the network's own.
  const evaluation = { ...rest, ece: { before: ece.before, after: null } };
  const [low, high] = evaluation.interval;
  return {
    evaluation,
    lines: [
      `accuracy        ${formatPercent(evaluation.accuracy)} (${formatInterval({ low, high })}) on ${showText(dataset.name)}, ${formatCount(dataset.count)} faces; balanced ${formatPercent(evaluation.balancedAccuracy)}`,
      ...describeLeftOut(dataset),
    ],
  };
}

function describeLeftOut({ failed, unknown }: Dataset): readonly string[] {
  const named = failed
    .slice(0, MOST_NAMED)
    .map(({ path, code, message }) => showText(`                ${path}: ${code}: ${message}`));
  return [
    ...(failed.length === 0
      ? []
      : [`not counted     ${formatCount(failed.length)} files that could not be read:`, ...named]),
    ...(unknown.length === 0 ? [] : [showText(`not counted     folders that name no label: ${unknown.join(", ")}`)]),
  ];
}
