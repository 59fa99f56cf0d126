import type { ModelCondition } from "../../src/model/card.ts";
import { GRAY_48, isSameForm } from "../../src/model/input-form.ts";
import type { Classifier } from "../../src/model/classifier.ts";
import { CONDITIONS, applyCondition } from "./conditions.ts";
import type { Dataset } from "../../src/evaluation/dataset.ts";
import { evaluateModel } from "../../src/evaluation/evaluate-model.ts";
import { roundShare } from "../../src/evaluation/card-evaluation.ts";

/** The seed of noise and of the side that a face is turned to. */
const SEED = 2013;

/**
 * Accuracy under each of the {@link CONDITIONS}, single pass.
 * @param temperature the card's
 * @param command what measures it again, for the card
 */
export async function measureConditions(
  classifier: Classifier,
  dataset: Dataset,
  temperature: number,
  command: string,
  onProgress: (done: number, of: number) => void = () => {},
): Promise<ModelCondition[]> {
  if (!isSameForm(classifier.input, { ...classifier.input, size: GRAY_48.size, color: GRAY_48.color })) {
    throw new Error("conditions are made of 48×48 gray faces: the model takes others");
  }
  const rows: ModelCondition[] = [];
  for (const condition of CONDITIONS) {
    const pixels = applyCondition(condition, dataset.pixels, SEED);
    const { modes } = await evaluateModel(classifier, { ...dataset, pixels }, ["none"], temperature);
    const [figures] = modes;
    if (figures === undefined) throw new Error("no mode was measured");
    rows.push({
      dataset: dataset.name,
      command,
      condition: condition.name,
      faces: figures.faces,
      accuracy: roundShare(figures.accuracy),
      interval: [roundShare(figures.interval[0]), roundShare(figures.interval[1])],
      balancedAccuracy: roundShare(figures.balancedAccuracy),
    });
    onProgress(rows.length, CONDITIONS.length);
  }
  return rows;
}
