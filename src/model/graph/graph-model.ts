/** The network of a model: the graph that its card brings along, or that of its family. */

import { ScoringError } from "../../errors.ts";
import { formatModelId, type ModelCard } from "../card.ts";
import { countChannels } from "../input-form.ts";
import { EMBEDDING, MAX_EMBEDDING } from "../labels.ts";
import type { Model } from "../model.ts";
import { countElements } from "../tensor.ts";
import { THETA_SIZE } from "./affine-sample.ts";
import { checkGraph, type Network } from "./check-graph.ts";
import { describeDeepEmotion, readDeepEmotion } from "./deep-emotion.ts";
import type { Graph } from "./graph.ts";
import { inferShapes } from "./shapes.ts";

/** Name of a classifier's output before softmax, one value a label. */
export const LOGITS = "logits";
/** Of the output that it has instead where its last node is a softmax. */
export const PROBABILITIES = "probabilities";
/** Of the output that has a spatial transformer's 2×3 matrix. */
export const THETA = "theta";

/** A classifier's network, with its input's size fixed. */
export interface ClassifierNetwork extends Network {
  /** The output of one value a label. */
  readonly scores: typeof LOGITS | typeof PROBABILITIES;
  /** Values of its embedding; `null` without one. */
  readonly embedding: number | null;
  /** Whether it has an output θ. */
  readonly theta: boolean;
  /** Every output that is read, and its values for one face. */
  readonly widths: readonly (readonly [output: string, width: number])[];
}

/** The graph of a card, without its weights; `null` for a family that is no network. */
export function describeNetwork(card: ModelCard): Graph | null {
  if (card.family !== "deep-emotion") return card.graph ?? null;
  return describeDeepEmotion(card.alignCorners === true ? "aligned" : "half");
}

/** @throws ScoringError `model_invalid` if the tensors are not those of the card's network, or it has none */
function readNetwork({ card, tensors }: Model): Network {
  if (card.family === "deep-emotion") return readDeepEmotion(tensors, card.alignCorners === true ? "aligned" : "half");
  if (card.graph !== undefined) return { graph: card.graph, weights: tensors };
  throw new ScoringError(
    "model_invalid",
    `${formatModelId(card)}: it is of the family ${card.family}, whose card has no graph`,
  );
}

/**
 * The network of a classifier: the card's input in, one value per label out, and the embedding where it has one.
 * @throws ScoringError `model_invalid` for a card without a graph, or a graph that is no such classifier
 */
export function readClassifierNetwork(model: Model): ClassifierNetwork {
  const { card } = model;
  const { graph, weights } = readNetwork(model);
  const id = formatModelId(card);
  const refuse = (what: string): never => {
    throw new ScoringError("model_invalid", `${id}: ${what}`);
  };
  const { size } = card.input;
  const channels = countChannels(card.input);
  const { input, outputs } = graph;
  const takes = [input.height, input.width].every((side) => side === null || side === size);
  if (input.channels !== channels || !takes || size % input.multipleOf !== 0) {
    const wants = [input.height ?? "any", input.width ?? "any", input.channels].join("×");
    return refuse(`its network takes ${wants}, its card's input is ${size}×${size}×${channels}`);
  }
  const network = checkGraph({ ...graph, input: { ...input, height: size, width: size } }, weights);
  const shapes = inferShapes(network.graph, weights, size, size);
  const measure = (output: string): number | null => {
    const shape = outputs[output] === undefined ? undefined : shapes.get(outputs[output]);
    return shape === undefined ? null : countElements(shape);
  };
  const known = Object.keys(outputs).filter((name) => name === LOGITS || name === PROBABILITIES);
  const scores = outputs[LOGITS] === undefined ? PROBABILITIES : LOGITS;
  if (known.length !== 1) return refuse(`it has no single output ${LOGITS} or ${PROBABILITIES}`);
  if (measure(scores) !== card.labels.length) {
    return refuse(`its output ${scores} has ${measure(scores)} values, its card ${card.labels.length} labels`);
  }
  const embedding = measure(EMBEDDING);
  const area = shapes.get(outputs[EMBEDDING] ?? "")?.slice(1) ?? [];
  if (area.some((side) => side > 1)) {
    return refuse(`its ${EMBEDDING} is a map of ${area.join("×")} pixels, not a vector: pool or flatten it`);
  }
  if (embedding !== null && embedding > MAX_EMBEDDING) {
    return refuse(`its ${EMBEDDING} has ${embedding} values, more than ${MAX_EMBEDDING}`);
  }
  const theta = measure(THETA);
  if (theta !== null && theta !== THETA_SIZE) {
    return refuse(`its ${THETA} has ${theta} values, not ${THETA_SIZE}, the entries of a 2×3 matrix`);
  }
  const widths: (readonly [string, number])[] = [[scores, card.labels.length]];
  if (embedding !== null) widths.push([EMBEDDING, embedding]);
  if (theta !== null) widths.push([THETA, THETA_SIZE]);
  return { ...network, scores, embedding, theta: theta !== null, widths };
}
