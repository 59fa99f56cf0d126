/** A model whose card brings its network along: the family "graph". */

import { ScoringError } from "../../errors.ts";
import { formatModelId } from "../card.ts";
import { FACE_SIZE, LABEL_COUNT } from "../labels.ts";
import type { Model } from "../model.ts";
import { checkGraph, type Network } from "./check-graph.ts";
import { inferShapes } from "./shapes.ts";

/** Name of the output that a classifier reads. */
export const LOGITS = "logits";

/**
 * The network of a classifier: 48×48 gray in, one logit per label out.
 * @throws ScoringError `model_invalid` for a card without a graph, or a graph that is no such classifier
 */
export function readClassifierNetwork({ card, tensors }: Model): Network {
  const id = formatModelId(card);
  if (card.graph === undefined) {
    throw new ScoringError("model_invalid", `${id} is of the family ${card.family}, whose card has no graph`);
  }
  const network = checkGraph(card.graph, tensors);
  const { input, outputs } = network.graph;
  if (input.channels !== 1 || input.height !== FACE_SIZE || input.width !== FACE_SIZE) {
    throw new ScoringError("model_invalid", `${id}: its input is not ${FACE_SIZE} × ${FACE_SIZE} with one channel`);
  }
  const logits = outputs[LOGITS];
  const shape =
    logits === undefined ? undefined : inferShapes(network.graph, tensors, FACE_SIZE, FACE_SIZE).get(logits);
  if (shape?.join() !== `${LABEL_COUNT}`) {
    throw new ScoringError("model_invalid", `${id}: it has no output ${LOGITS} of ${LABEL_COUNT} values`);
  }
  return network;
}
