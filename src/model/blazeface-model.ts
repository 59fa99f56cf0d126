/** The face detector's files: its card with the graph, and weights, checked against each other. */

import { z } from "zod";
import { ScoringError } from "../errors.ts";
import { checkGraph, type Network } from "./graph/check-graph.ts";
import { graphSchema } from "./graph/graph.ts";
import { computeSha256 } from "./model.ts";
import { parseSafetensors } from "./safetensors.ts";

const faceCard = z.object({
  name: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/),
  version: z.int().positive(),
  family: z.literal("blazeface"),
  /** Of weights.safetensors, lower-case hex. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Licenses that travel with the weights. */
  notices: z.array(z.string()).min(1),
  graph: graphSchema,
});

/** The detector, checked. */
export interface BlazeFaceModel {
  /** `name@version`. */
  readonly id: string;
  readonly network: Network;
}

/**
 * @param card parsed JSON of models/faces/…/card.json
 * @throws ScoringError `model_invalid`, `model_hash_mismatch`
 */
export async function loadBlazeFaceModel(card: unknown, weights: Uint8Array): Promise<BlazeFaceModel> {
  const parsed = faceCard.safeParse(card);
  if (!parsed.success) throw new ScoringError("model_invalid", `face detector's card: ${parsed.error.message}`);
  const { name, version, sha256, graph } = parsed.data;
  const id = `${name}@${version}`;
  const actual = await computeSha256(weights);
  if (actual !== sha256) {
    throw new ScoringError("model_hash_mismatch", `${id}: weights are ${actual}, the card says ${sha256}`);
  }
  return { id, network: checkGraph(graph, parseSafetensors(weights).tensors) };
}
