/** A model as engines take it: a checked card and its tensors. */

import { uint8ArrayToHex } from "uint8array-extras";
import { ScoringError } from "../errors.ts";
import { formatModelId, parseModelCard, type ModelCard } from "./card.ts";
import type { Graph } from "./graph/graph.ts";
import { parseSafetensors } from "./safetensors.ts";
import { formatShape, type Tensor } from "./tensor.ts";

/** Immutable; engines copy what they need. */
export interface Model {
  readonly card: ModelCard;
  /** By the names of the PyTorch state_dict; batch norm not folded. */
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** Where a model comes from: the bundle, a disk, a bucket. */
export interface ModelSource {
  /** `name@version`, as the card says. */
  readonly id: string;
  /** The card's JSON, as text or parsed. */
  readCard(): Promise<unknown>;
  /** The bytes of weights.safetensors. */
  readWeights(): Promise<Uint8Array>;
}

/**
 * Reads and checks a card.
 * @throws ScoringError `model_invalid`
 */
export async function loadCard(source: ModelSource): Promise<ModelCard> {
  const card = parseModelCard(await source.readCard());
  const id = formatModelId(card);
  if (id !== source.id) throw new ScoringError("model_invalid", `${source.id}: its card says ${id}`);
  return card;
}

/**
 * Loads a model and proves that its weights are those the card describes.
 * @throws ScoringError `model_hash_mismatch`, `model_invalid`
 */
export async function loadModel(source: ModelSource): Promise<Model> {
  const card = await loadCard(source);
  const bytes = await source.readWeights();
  const actual = await computeSha256(bytes);
  if (actual !== card.sha256) {
    throw new ScoringError("model_hash_mismatch", `${source.id}: weights are ${actual}, the card says ${card.sha256}`);
  }
  const { tensors, metadata } = parseSafetensors(bytes);
  if (card.graph !== undefined && metadata["graph"] !== (await hashGraph(card.graph))) {
    throw new ScoringError(
      "model_hash_mismatch",
      `${source.id}: its card's graph is not the one that its weights name`,
    );
  }
  for (const [name, { shape }] of tensors) {
    const stated = card.shapes[name];
    if (stated === undefined || formatShape(stated) !== formatShape(shape)) {
      const text = stated === undefined ? "nothing" : formatShape(stated);
      throw new ScoringError("model_invalid", `${source.id}: ${name} is ${formatShape(shape)}, the card says ${text}`);
    }
  }
  const missing = Object.keys(card.shapes).find((name) => !tensors.has(name));
  if (missing !== undefined) throw new ScoringError("model_invalid", `${source.id}: the weights lack ${missing}`);
  return { card, tensors };
}

/** SHA-256 of a checked graph; the weights of the family "graph" name it in their metadata. */
export function hashGraph(graph: Graph): Promise<string> {
  return computeSha256(new TextEncoder().encode(JSON.stringify(graph)));
}

/** SHA-256 of all that a card says of scores: cards that differ in figures and notices alone have the same. */
export function hashScoring(card: ModelCard): Promise<string> {
  const { family, sha256, labels, input, alignCorners, temperature, settings, graph } = card;
  const told = [family, sha256, labels, input, alignCorners, temperature, settings, graph ?? null];
  return computeSha256(new TextEncoder().encode(JSON.stringify(told)));
}

/** SHA-256 in lower-case hex. */
export async function computeSha256(bytes: Uint8Array): Promise<string> {
  return uint8ArrayToHex(await crypto.subtle.digest("SHA-256", new Uint8Array(bytes)));
}
