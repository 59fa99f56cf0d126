import { ScoringError } from "../../src/errors.ts";
import {
  DEEP_EMOTION_NOTICES,
  FAMILIES,
  parseModelCard,
  type Family,
  type ModelCard,
  type ModelEvaluation,
} from "../../src/model/card.ts";
import { fitDeepEmotion } from "../../src/model/checkpoint/fit-deep-emotion.ts";
import type { Checkpoint } from "../../src/model/checkpoint/read-checkpoint.ts";
import { checkGraph } from "../../src/model/graph/check-graph.ts";
import type { Graph } from "../../src/model/graph/graph.ts";
import { describePlainNetwork } from "../../src/model/graph/plain-network.ts";
import { HOG_SETTINGS } from "../../src/model/hog-features.ts";
import { checkHogSvmTensors } from "../../src/model/hog-svm.ts";
import { LABELS } from "../../src/model/labels.ts";
import { computeSha256, hashGraph } from "../../src/model/model.ts";
import { countParameters } from "../../src/model/graph/deep-emotion-tensors.ts";
import { readFloat16, serializeSafetensors, writeFloat16 } from "../../src/model/safetensors.ts";
import type { Tensor } from "../../src/model/tensor.ts";

/** Weights checked against a family, and what the family says of them. */
export interface FamilyWeights {
  readonly family: Family;
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly parameters: number;
  /** What stood before every name. */
  readonly prefix: string;
  /** Tensors that belong to something else. */
  readonly ignored: readonly string[];
  /** The checkpoint's own, where it has one. */
  readonly alignCorners: boolean | null;
  readonly temperature: number | null;
  readonly settings: ModelCard["settings"];
  /** For the family "graph" only. */
  readonly graph?: Graph;
  /** Whether the file holds float16: the tensors are rounded to it already. */
  readonly half?: boolean;
  readonly notices: readonly string[];
}

/** What a card says beyond what can be read off the weights. */
export interface CardDraft {
  readonly name: string;
  readonly version: number;
  readonly weights: FamilyWeights;
  readonly alignCorners: boolean | null;
  readonly temperature: number | null;
  readonly evaluations: readonly ModelEvaluation[];
  readonly training: ModelCard["training"];
  readonly license: string;
  /** In addition to those of every card of the family. */
  readonly notices: readonly string[];
}

function fitHogSvm(checkpoint: Checkpoint): FamilyWeights {
  const tensors = new Map(checkpoint.tensors);
  const temperature = tensors.get("temperature")?.data[0] ?? null;
  tensors.delete("temperature");
  try {
    checkHogSvmTensors(tensors);
  } catch (error) {
    if (error instanceof ScoringError) throw new ScoringError("checkpoint_invalid", error.detail, { cause: error });
    throw error;
  }
  return {
    family: "hog-svm",
    tensors,
    parameters: [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0),
    prefix: "",
    ignored: [],
    alignCorners: null,
    temperature: temperature === null ? null : Number(temperature.toPrecision(7)),
    settings: { ...HOG_SETTINGS },
    notices: DEEP_EMOTION_NOTICES.slice(1),
  };
}

/** The folded weights of training/plain_net.py. */
function fitPlainNetwork({ tensors }: Checkpoint): FamilyWeights {
  const graph = describePlainNetwork(tensors);
  try {
    checkGraph(graph, tensors);
  } catch (error) {
    if (error instanceof ScoringError) throw new ScoringError("checkpoint_invalid", error.detail, { cause: error });
    throw error;
  }
  return {
    family: "graph",
    tensors,
    parameters: [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0),
    prefix: "",
    ignored: [],
    alignCorners: null,
    temperature: null,
    settings: {},
    graph,
    notices: DEEP_EMOTION_NOTICES.slice(1),
  };
}

function guessFamily({ tensors }: Checkpoint): Family {
  if (tensors.has("weight") && tensors.has("bias")) return "hog-svm";
  return tensors.has("conv1.weight") && tensors.has("conv5.weight") ? "graph" : "deep-emotion";
}

/**
 * Checks a checkpoint against a family.
 * @param family null takes "hog-svm" for a `weight` and a `bias`, "graph" for more than four convolutions, else "deep-emotion"
 * @throws ScoringError `checkpoint_invalid`, naming the tensor and both shapes
 */
export function fitFamily(checkpoint: Checkpoint, family: string | null): FamilyWeights {
  const chosen = FAMILIES.find((known) => known === (family ?? guessFamily(checkpoint)));
  if (chosen === undefined) throw new Error(`--family is one of ${FAMILIES.join(", ")}`);
  if (chosen === "hog-svm") return fitHogSvm(checkpoint);
  if (chosen === "graph") return fitPlainNetwork(checkpoint);
  const { tensors, widths, prefix, ignored } = fitDeepEmotion(checkpoint.tensors);
  return {
    family: chosen,
    tensors,
    parameters: countParameters(widths),
    prefix,
    ignored,
    alignCorners: checkpoint.extras["align_corners"] === true,
    temperature: null,
    settings: {},
    notices: DEEP_EMOTION_NOTICES,
  };
}

const roundTensor = ({ shape, data }: Tensor): Tensor => ({
  shape,
  data: data.map((value) => readFloat16(writeFloat16(value))),
});

/** The same weights, each rounded to float16. */
export function roundToHalf(weights: FamilyWeights): FamilyWeights {
  const rounded = [...weights.tensors].map(([name, tensor]) => [name, roundTensor(tensor)] as const);
  return { ...weights, half: true, tensors: new Map(rounded) };
}

/** The bytes of weights.safetensors: a function of tensors and graph alone, so that an export can be repeated. */
export async function serializeWeights({ tensors, graph, half }: FamilyWeights): Promise<Uint8Array> {
  const metadata = { format: "pt", ...(graph && { graph: await hashGraph(graph) }) };
  return serializeSafetensors(tensors, metadata, half ? "F16" : "F32");
}

/** A checked card for these weights. @throws ScoringError `model_invalid` */
export async function draftCard(draft: CardDraft): Promise<ModelCard> {
  const { weights } = draft;
  return parseModelCard({
    name: draft.name,
    version: draft.version,
    family: weights.family,
    sha256: await computeSha256(await serializeWeights(weights)),
    labels: [...LABELS],
    alignCorners: draft.alignCorners,
    temperature: draft.temperature,
    pipeline: 3,
    parameters: weights.parameters,
    shapes: Object.fromEntries([...weights.tensors].map(([name, { shape }]) => [name, [...shape]])),
    settings: weights.settings,
    ...(weights.graph && { graph: weights.graph }),
    evaluations: draft.evaluations,
    training: draft.training,
    license: draft.license,
    notices: [...weights.notices, ...draft.notices],
  });
}
