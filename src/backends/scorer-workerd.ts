/**
 * Loads engines, codecs and the face finder once per isolate, and lends them to one chunk at a time: an engine is not
 * safe for overlapping calls, and two chunks decoding at once would double the memory.
 */

import type { LendScorer, Scorer, ScorerOptions } from "../scoring/chunk/scorer.ts";
import { createImageDecoder } from "../image/decode.ts";
import { loadCodecs } from "../image/codecs-workerd.ts";
import type { ImageDecoder, ImageLimits } from "../image/image-types.ts";
import type { FaceFinder } from "../model/face-finder.ts";
import { createFlipClassifier } from "../model/flip.ts";
import type { Registry } from "../model/registry.ts";
import type { EngineName } from "./engine-table.ts";
import { createEngineShelf } from "./engine-shelf.ts";
import { createWorkerdClassifier } from "./engines-workerd.ts";

/** Lends the isolate's engines to one chunk at a time. */
export interface ScorerLender {
  /** Runs `body` alone; it opens the scorer when it knows its job. Bodies queue up. */
  readonly withScorer: LendScorer;
  /** The same on tfjs, whatever the configuration says: the reference that others are checked against. */
  readonly withReference: LendScorer;
}

/** A lender over one registry; each model is loaded at its first use. */
export function createScorerLender(
  registry: Registry,
  engine: EngineName,
  limits: ImageLimits,
  loadFinder: (() => Promise<FaceFinder>) | null = null,
): ScorerLender {
  const openEngine = createEngineShelf(registry, createWorkerdClassifier);
  let decoder: Promise<ImageDecoder> | null = null;
  let finder: Promise<FaceFinder> | null = null;
  let previous: Promise<unknown> = Promise.resolve();

  async function open(name: EngineName, job: ScorerOptions): Promise<Scorer> {
    decoder ??= loadCodecs().then((codecs) => createImageDecoder(codecs, limits));
    if (job.findsFaces && loadFinder !== null) finder ??= loadFinder();
    const plain = await openEngine(name, job);
    return {
      decoder: await decoder,
      finder: job.findsFaces ? await finder : null,
      classifier: job.tta === "flip" ? createFlipClassifier(plain) : plain,
    };
  }

  function takeTurn<T>(
    name: EngineName,
    body: (open: (options: ScorerOptions) => Promise<Scorer>) => Promise<T>,
  ): Promise<T> {
    const turn = previous.then(() => body((job) => open(name, job)));
    previous = turn.catch(() => undefined);
    return turn;
  }

  return { withScorer: (body) => takeTurn(engine, body), withReference: (body) => takeTurn("tfjs", body) };
}
