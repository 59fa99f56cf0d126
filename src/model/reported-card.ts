/** What a report says of a model, as its card was when the job was made. */

import type { ModelCard, ModelEvaluation } from "./card.ts";
import { computeSha256 } from "./model.ts";

/** The part of a card that reports quote. */
export type ReportedCard = Pick<
  ModelCard,
  "name" | "version" | "family" | "sha256" | "parameters" | "temperature" | "evaluations" | "notices" | "license"
>;

/** The evaluation made as the job is run; the first where none was. */
export function chooseEvaluation(
  { evaluations }: Pick<ModelCard, "evaluations">,
  tta: ModelEvaluation["tta"],
): ModelEvaluation | null {
  return evaluations.find((one) => one.tta === tta) ?? evaluations[0] ?? null;
}

/** The part of a card that the report of such a job quotes. */
export function pickReported(card: ModelCard, tta: ModelEvaluation["tta"]): ReportedCard {
  const { name, version, family, sha256, parameters, temperature, notices, license } = card;
  const evaluation = chooseEvaluation(card, tta);
  const evaluations = evaluation === null ? [] : [evaluation];
  return { name, version, family, sha256, parameters, temperature, evaluations, notices, license };
}

/** SHA-256 of a checked card, figures and notices included. */
export function hashCard(card: ModelCard): Promise<string> {
  return computeSha256(new TextEncoder().encode(JSON.stringify(card)));
}
