import { DEEP_EMOTION_NOTICES, parseModelCard, type ModelCard, type ModelEvaluation } from "../../src/model/card.ts";
import type { FittedWeights } from "../../src/model/checkpoint/fit-deep-emotion.ts";
import { LABELS } from "../../src/model/labels.ts";
import { computeSha256 } from "../../src/model/model.ts";
import { countParameters } from "../../src/model/network-shapes.ts";
import { serializeSafetensors } from "../../src/model/safetensors.ts";

/** What a card says beyond what can be read off the weights. */
export interface CardDraft {
  readonly name: string;
  readonly version: number;
  readonly weights: FittedWeights;
  readonly alignCorners: boolean;
  readonly temperature: number | null;
  readonly evaluations: readonly ModelEvaluation[];
  readonly training: ModelCard["training"];
  readonly license: string;
  /** Beside those of every card of the family. */
  readonly notices: readonly string[];
}

/** The bytes of weights.safetensors: a function of the tensors alone, so that an export can be repeated. */
export function serializeWeights(weights: FittedWeights): Uint8Array {
  return serializeSafetensors(weights.tensors, { format: "pt" });
}

/** A checked card of the family "deep-emotion" for these weights. @throws ScoringError `model_invalid` */
export async function draftCard(draft: CardDraft): Promise<ModelCard> {
  const { weights } = draft;
  return parseModelCard({
    name: draft.name,
    version: draft.version,
    family: "deep-emotion",
    sha256: await computeSha256(serializeWeights(weights)),
    labels: [...LABELS],
    alignCorners: draft.alignCorners,
    temperature: draft.temperature,
    pipeline: 1,
    parameters: countParameters(weights.widths),
    shapes: Object.fromEntries([...weights.tensors].map(([name, { shape }]) => [name, [...shape]])),
    settings: {},
    evaluations: draft.evaluations,
    training: draft.training,
    license: draft.license,
    notices: [...DEEP_EMOTION_NOTICES, ...draft.notices],
  });
}
