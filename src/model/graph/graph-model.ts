/** A model whose card brings its network along: the family "graph". */

import { ScoringError } from "../../errors.ts";
import { formatModelId } from "../card.ts";
import { countChannels } from "../input-form.ts";
import { EMBEDDING, MAX_EMBEDDING } from "../labels.ts";
import type { Model } from "../model.ts";
import { countElements } from "../tensor.ts";
import { checkGraph, type Network } from "./check-graph.ts";
import { inferShapes } from "./shapes.ts";

/** Name of a classifier's output before softmax, one value a label. */
export const LOGITS = "logits";
/** Of the output that it has instead where its last node is a softmax. */
export const PROBABILITIES = "probabilities";

/** A classifier's network, with its input's size fixed. */
export interface ClassifierNetwork extends Network {
  /** The output of one value a label. */
  readonly scores: typeof LOGITS | typeof PROBABILITIES;
  /** Values of its embedding; `null` without one. */
  readonly embedding: number | null;
}

/**
 * The network of a classifier: the card's input in, one value per label out, and the embedding where it has one.
 * @throws ScoringError `model_invalid` for a card without a graph, or a graph that is no such classifier
 */
export function readClassifierNetwork({ card, tensors }: Model): ClassifierNetwork {
  const id = formatModelId(card);
  const refuse = (what: string): never => {
    throw new ScoringError("model_invalid", `${id}: ${what}`);
  };
  if (card.graph === undefined) return refuse(`it is of the family ${card.family}, whose card has no graph`);
  const { size } = card.input;
  const channels = countChannels(card.input);
  const { input, outputs } = card.graph;
  const takes = [input.height, input.width].every((side) => side === null || side === size);
  if (input.channels !== channels || !takes || size % input.multipleOf !== 0) {
    const wants = [input.height ?? "any", input.width ?? "any", input.channels].join("×");
    return refuse(`its network takes ${wants}, its card's input is ${size}×${size}×${channels}`);
  }
  const network = checkGraph({ ...card.graph, input: { ...input, height: size, width: size } }, tensors);
  const shapes = inferShapes(network.graph, tensors, size, size);
  const measure = (output: string): number | null => {
    const shape = outputs[output] === undefined ? undefined : shapes.get(outputs[output]);
    return shape === undefined ? null : countElements(shape);
  };
  const known = Object.keys(outputs).filter((name) => name === LOGITS || name === PROBABILITIES);
  const scores = outputs[LOGITS] === undefined ? PROBABILITIES : LOGITS;
  if (known.length !== 1 || measure(scores) !== card.labels.length) {
    return refuse(`it has no single output ${LOGITS} or ${PROBABILITIES} of ${card.labels.length} values`);
  }
  const embedding = measure(EMBEDDING);
  const area = shapes.get(outputs[EMBEDDING] ?? "")?.slice(1) ?? [];
  if (area.some((side) => side > 1)) {
    return refuse(`its ${EMBEDDING} is a map of ${area.join("×")} pixels, not a vector: pool or flatten it`);
  }
  if (embedding !== null && embedding > MAX_EMBEDDING) {
    return refuse(`its ${EMBEDDING} has ${embedding} values, more than ${MAX_EMBEDDING}`);
  }
  return { ...network, scores, embedding };
}
