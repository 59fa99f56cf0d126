/** A model as an ONNX file: bytes of faces in, probabilities out. */

import { ScoringError } from "../../errors.ts";
import { formatModelId } from "../card.ts";
import { EMBEDDING } from "../labels.ts";
import { describeNetwork, PROBABILITIES, readClassifierNetwork } from "../graph/graph-model.ts";
import { countChannels, scaleLevels } from "../input-form.ts";
import type { Model } from "../model.ts";
import { addNetwork } from "./onnx-graph.ts";
import { addNode, addNumbers, addTensor, finishOnnx, FLOAT, UINT8, type OnnxGraph } from "./onnx-writer.ts";

/**
 * The bytes of an .onnx file, opset 16. Its input `pixels` is uint8, `[N, channels, size, size]`, channels in the card's
 * order; its outputs are `probabilities`, `[N, labels]`, and `embedding` where the model has one.
 * @throws ScoringError `model_invalid` for a family that is no neural network
 */
export function exportOnnx(model: Model): Uint8Array {
  const { card } = model;
  if (describeNetwork(card) === null) {
    throw new ScoringError(
      "model_invalid",
      `${formatModelId(card)} is of the family ${card.family}, which ONNX has no operators for`,
    );
  }
  const network = readClassifierNetwork(model);
  const graph: OnnxGraph = { nodes: [], initializers: [] };
  const { size } = card.input;
  const channels = countChannels(card.input);
  const { scales, offsets } = scaleLevels(card.input);
  const perChannel = (values: readonly number[]): string =>
    addTensor(graph, [channels, 1, 1], Float32Array.from(values));
  const real = addNode(graph, "Cast", ["pixels"], { to: FLOAT });
  const scaled = addNode(graph, "Mul", [real, perChannel(scales)]);
  const faces = addNode(graph, "Add", [scaled, perChannel(offsets)]);
  const names = addNetwork(graph, network, faces, [size, size]);
  const nameOf = (output: string): string => names.get(network.graph.outputs[output]!)!;
  let scores = nameOf(network.scores);
  if (network.scores === PROBABILITIES && card.temperature !== null) scores = addNode(graph, "Log", [scores]);
  if (card.temperature !== null) scores = addNode(graph, "Div", [scores, addNumbers(graph, [card.temperature])]);
  const isDone = network.scores === PROBABILITIES && card.temperature === null;
  addNode(graph, isDone ? "Identity" : "Softmax", [scores], isDone ? {} : { axis: 1 }, PROBABILITIES);
  const outputs: Record<string, readonly number[]> = { [PROBABILITIES]: [card.labels.length] };
  if (network.embedding !== null) {
    addNode(graph, "Flatten", [nameOf(EMBEDDING)], {}, EMBEDDING);
    outputs[EMBEDDING] = [network.embedding];
  }
  const input = { name: "pixels", type: UINT8, shape: [channels, size, size] };
  return finishOnnx(graph, { name: card.name, input, outputs });
}
