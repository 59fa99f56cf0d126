/** From a file of another library to a model of the family "graph": its card and its weights. */

import { ScoringError } from "../../errors.ts";
import { parseModelCard, type ModelCard } from "../card.ts";
import type { Network } from "../graph/check-graph.ts";
import { EMBEDDING } from "../labels.ts";
import { LOGITS, readClassifierNetwork } from "../graph/graph-model.ts";
import { countChannels, type InputForm } from "../input-form.ts";
import { computeSha256, hashGraph, type Model } from "../model.ts";
import { takeInputScale } from "./input-scale.ts";
import { serializeSafetensors } from "../safetensors.ts";
import { countElements } from "../tensor.ts";

/** What the file of a model does not say. */
export interface ImportedModelOptions {
  readonly name: string;
  readonly version: number;
  /** In the order of the network's outputs. */
  readonly labels: readonly string[];
  readonly color: InputForm["color"];
  /** One per channel, or one for all; of bytes as 0 … 1. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly license: string;
  /** Where the network came from, for the card. */
  readonly origin: string;
}

/** A model that can be stored. */
export interface ImportedModel {
  readonly model: Model;
  /** Bytes of weights.safetensors. */
  readonly weights: Uint8Array;
}

/**
 * Makes a model of a network. A first step that only scales its input goes into the card's mean and std.
 * @param read with a square input of a fixed size, and an output `logits`
 * @throws ScoringError `model_invalid` if it is no classifier of these labels
 */
export async function makeImportedModel(read: Network, options: ImportedModelOptions): Promise<ImportedModel> {
  const { height, width, channels } = read.graph.input;
  if (height === null || height !== width) {
    const sides = `${height ?? "any"} × ${width ?? "any"}`;
    throw new ScoringError("model_invalid", `the network takes ${sides} pixels, not a square of one size`);
  }
  if (countChannels(options) !== channels) {
    throw new ScoringError("model_invalid", `the network takes ${channels} channels, which ${options.color} has not`);
  }
  const spread = (values: readonly number[]): readonly number[] =>
    values.length === 1 ? Array.from({ length: channels }, () => values[0]!) : values;
  const given = { network: read, mean: spread(options.mean), std: spread(options.std) };
  const { network, mean, std } = takeInputScale(given);
  const { graph, weights } = network;
  const bytes = serializeSafetensors(weights, { format: "pt", graph: await hashGraph(graph) }, "F32");
  const card: ModelCard = parseModelCard({
    name: options.name,
    version: options.version,
    family: "graph",
    sha256: await computeSha256(bytes),
    labels: [...options.labels],
    input: { size: height, color: options.color, mean: [...mean], std: [...std] },
    alignCorners: null,
    temperature: null,
    pipeline: 3,
    parameters: [...weights.values()].reduce((sum, { shape }) => sum + countElements(shape), 0),
    shapes: Object.fromEntries([...weights].map(([name, { shape }]) => [name, [...shape]])),
    graph,
    evaluations: [],
    training: { command: "unknown", data: "unknown", selection: options.origin },
    license: options.license,
    notices: ["The labels name an apparent facial expression, never what a person feels."],
  });
  const model = { card, tensors: weights };
  readClassifierNetwork(model);
  return { model, weights: bytes };
}

/** The output that a classifier reads, and its embedding where one is asked for. */
export function nameOutputs(output: string, embedding: string | undefined): Readonly<Record<string, string>> {
  return embedding === undefined ? { [LOGITS]: output } : { [LOGITS]: output, [EMBEDDING]: embedding };
}

/** The standard deviation of a network's input where nobody says: 1, and 1/255 for one that takes bytes. */
export function chooseStd({ takesBytes }: { readonly takesBytes: boolean }): number {
  return takesBytes ? 1 / 255 : 1;
}
