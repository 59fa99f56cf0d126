/** Whether a model fits an isolate, from its card alone: before it is stored, and before a job is made of it. */

import { ScoringError } from "../../errors.ts";
import { fitsFusedKernel } from "../fused/fused-form.ts";
import { formatModelId, type ModelCard } from "../../model/card.ts";
import { smallestInput } from "../../model/graph/check-graph.ts";
import type { Graph } from "../../model/graph/graph.ts";
import { inferShapes } from "../../model/graph/shapes.ts";
import { countElements } from "../../model/tensor.ts";
import { BATCH_FACES, measureBatch } from "./batch-engine.ts";
import { runsFaceByFace } from "./face-layout.ts";
import { measurePicture } from "./graph-engine.ts";
import { MAX_BYTES } from "./kernel.ts";
import { FLOAT } from "./places.ts";

/** What the module itself has below the plan. */
const BASE_BYTES = 64 * 1024;

/** Shapes of all weights by name. */
type Shapes = Readonly<Record<string, readonly number[]>>;

const NO_NUMBERS = new Float32Array();

/** By card: a registry gives the same one again and again. */
const measured = new WeakMap<ModelCard, number>();

/**
 * Bytes that the SIMD engine takes for a classifier's network, weights included, in the layout that it runs in; of a network with a
 * value, or weights, that by themselves are too many, the bytes of these.
 * @throws ScoringError `model_invalid` where a node does not fit; `engine_unavailable` if one has no kernel here
 */
export function measureFaces(graph: Graph, shapes: Shapes): number {
  const weights = new Map(Object.entries(shapes).map(([name, shape]) => [name, { shape, data: NO_NUMBERS }]));
  const network = { graph, weights };
  const values = inferShapes(graph, weights, ...smallestInput(graph));
  const isSingle = runsFaceByFace(network);
  const faces = isSingle ? 1 : BATCH_FACES;
  const largest = Math.max(0, ...[...values.values()].map(countElements)) * faces * FLOAT;
  const numbers = Object.values(shapes).reduce((sum, shape) => sum + countElements(shape), 0) * FLOAT;
  // The tables of a plan grow with its maps.
  if (Math.max(largest, numbers) > MAX_BYTES) return Math.max(largest, numbers);
  return isSingle ? measurePicture(network) : measureBatch(network);
}

/**
 * Refuses a model of the family "graph" whose weights and maps an isolate cannot hold; other families pass.
 * @throws ScoringError `validation_failed`; `model_invalid` or `engine_unavailable` where the graph has a node that cannot run
 */
export function checkModelMemory(card: ModelCard): void {
  const { graph, shapes } = card;
  if (graph === undefined || fitsFusedKernel(card)) return;
  const bytes = measured.get(card) ?? measureFaces(graph, shapes) + BASE_BYTES;
  measured.set(card, bytes);
  if (bytes <= MAX_BYTES) return;
  const message = `${formatModelId(card)} takes ${Math.ceil(bytes / 2 ** 20)} MiB while it scores, more than the ${MAX_BYTES / 2 ** 20} that an isolate has for it`;
  throw new ScoringError("validation_failed", message, {
    issues: [{ path: "model", code: "model_too_large", message }],
  });
}
