/** The scorers of one thread, each loaded at its first use and kept. */

import type { EngineName } from "../backends/engine-table.ts";
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
  const scorers = new Map<string, Promise<Scorer>>();
  let finder: ReturnType<typeof createFaceFinderNode> | null = null;
  let decoder: Promise<Scorer["decoder"]> | null = null;

  async function open(engine: EngineName, { model: id, tta, findsFaces }: ScorerOptions): Promise<Scorer> {
    const model = await registry.load(id);
    decoder ??= loadCodecs().then((codecs) => createImageDecoder(codecs, LIMITS.image));
    if (findsFaces) finder ??= createFaceFinderNode();
    const plain = await createNodeClassifier(model, engine);
    const classifier = tta === "flip" ? createFlipClassifier(plain) : plain;
    return { decoder: await decoder, finder: findsFaces ? await finder : null, classifier };
  }

  return (engine, options) => {
    const key = `${engine} ${options.model} ${options.tta} ${options.findsFaces}`;
    const known = scorers.get(key) ?? open(engine, options);
    scorers.set(key, known);
    // A failed start is forgotten, so that the next chunk tries again.
    known.catch(() => scorers.delete(key));
    return known;
  };
}
