/** The scorers of one thread. */

import type { EngineName } from "../backends/engine-table.ts";
import { createEngineShelf } from "../backends/engine-shelf.ts";
import { createNodeClassifier } from "../backends/engines-node.ts";
import { createFaceFinderNode } from "../backends/faces-node.ts";
import { loadCodecs } from "../image/codecs-node.ts";
import { createImageDecoder } from "../image/decode.ts";
import { createFlipClassifier } from "../model/flip.ts";
import type { Registry } from "../model/registry.ts";
import type { Scorer, ScorerOptions } from "../scoring/chunk/scorer.ts";
import { LIMITS } from "../scoring/limits.ts";

/** Opens the scorer of a job on an engine. */
export type ScorerSource = (engine: EngineName, options: ScorerOptions) => Promise<Scorer>;

/** Opens the scorers of a registry's models. */
export function createScorerSource(registry: Registry): ScorerSource {
  const openEngine = createEngineShelf(registry, createNodeClassifier);
  let finder: ReturnType<typeof createFaceFinderNode> | null = null;
  let decoder: Promise<Scorer["decoder"]> | null = null;

  return async (engine, options) => {
    const { tta, findsFaces } = options;
    decoder ??= loadCodecs().then((codecs) => createImageDecoder(codecs, LIMITS.image));
    if (findsFaces) finder ??= createFaceFinderNode();
    const plain = await openEngine(engine, options);
    const classifier = tta === "flip" ? createFlipClassifier(plain) : plain;
    return { decoder: await decoder, finder: findsFaces ? await finder : null, classifier };
  };
}
