import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { BUNDLED_MODELS_FOLDER, listFolderModels } from "../../src/backends/models-node.ts";
import type { ModelCard } from "../../src/model/card.ts";
import { readCheckpoint } from "../../src/model/checkpoint/read-checkpoint.ts";
import { loadModel, type Model } from "../../src/model/model.ts";
import { createRegistry } from "../../src/model/registry.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import { draftCard, fitFamily } from "./draft-card.ts";

/** A model and the folder that its card lies in, where it has one. */
export interface LoadedModel {
  readonly model: Model;
  readonly folder: string | null;
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );
}

/**
 * Loads a model by a reference: `name@version` or a bare name among `models/`, a model folder, or a checkpoint file,
 * which is read as it is.
 * @param alignCorners replaces the card's option; null keeps it (false for a checkpoint)
 */
export async function loadModelFrom(reference: string, alignCorners: boolean | null): Promise<LoadedModel> {
  const override = ({ card, tensors }: Model): Model => ({
    card: alignCorners === null || card.alignCorners === null ? card : { ...card, alignCorners },
    tensors,
  });
  if (await isFile(reference)) {
    const checkpoint = readCheckpoint(await readFile(reference), LIMITS.checkpoint);
    const weights = fitFamily(checkpoint, null);
    const card: ModelCard = await draftCard({
      name: "checkpoint",
      version: 1,
      weights,
      alignCorners: weights.alignCorners === null ? null : (alignCorners ?? weights.alignCorners),
      temperature: weights.temperature,
      evaluations: [],
      training: { command: basename(reference), data: "unknown", selection: "unknown" },
      license: "unknown",
      notices: [],
    });
    return { model: { card, tensors: weights.tensors }, folder: null };
  }
  const direct = await isFile(join(reference, "card.json"));
  const folder = direct ? dirname(resolve(reference)) : BUNDLED_MODELS_FOLDER;
  const sources = await listFolderModels(folder);
  const registry = createRegistry(sources);
  const id = registry.resolve(direct ? basename(resolve(reference)) : reference);
  const source = sources.find((candidate) => candidate.id === id);
  if (source === undefined) throw new Error(`no model ${id}`);
  return { model: override(await loadModel(source)), folder: join(folder, id) };
}
