/** The engines of one process: each is made at its first use and kept while it is among those that were used last. */

import { ScoringError } from "../errors.ts";
import type { Classifier } from "../model/classifier.ts";
import { hashScoring, type Model } from "../model/model.ts";
import type { Registry } from "../model/registry.ts";
import type { ScorerOptions } from "../scoring/chunk/scorer.ts";
import type { EngineName } from "./engine-table.ts";

/** Engines that are kept: each may have some 50 MB, and an isolate has 128. */
const MOST_ENGINES = 3;

/** Gives the engine of a job's model; the caller must not use one beyond the next call. */
export type EngineShelf = (engine: EngineName, job: Pick<ScorerOptions, "model" | "modelForm">) => Promise<Classifier>;

/**
 * A shelf over one registry.
 * @param create makes an engine
 */
export function createEngineShelf(
  registry: Registry,
  create: (model: Model, engine: EngineName) => Promise<Classifier>,
): EngineShelf {
  const shelf = new Map<string, Promise<Classifier>>();
  return (engine, { model, modelForm }) => {
    const key = `${engine} ${model} ${modelForm ?? ""}`;
    const known = shelf.get(key);
    shelf.delete(key);
    const made = known ?? loadAsMade(registry, model, modelForm).then((loaded) => create(loaded, engine));
    shelf.set(key, made);
    // A failed start is forgotten, so that the next chunk tries again.
    made.catch(() => {
      if (shelf.get(key) === made) shelf.delete(key);
    });
    for (const [oldest, classifier] of shelf) {
      if (shelf.size <= MOST_ENGINES) break;
      shelf.delete(oldest);
      void classifier.then((old) => old.dispose()).catch(() => {});
    }
    return made;
  };
}

/** The model that a job was made for: whoever replaces it in its store does not change the job's records. */
async function loadAsMade(registry: Registry, id: string, form: string | undefined): Promise<Model> {
  const model = await registry.load(id);
  if (form === undefined || (await hashScoring(model.card)) === form) return model;
  // This process may have read an earlier card than the one that took the job.
  await registry.refresh(id, "now");
  const again = await registry.load(id);
  if ((await hashScoring(again.card)) === form) return again;
  throw new ScoringError(
    "model_hash_mismatch",
    `${id} was replaced since the job was made: its card or weights are others now`,
  );
}
