/** A deployment's own models in a store: folders `<prefix><name>@<version>/` with `card.json` and `weights.safetensors`. */

import type { ListedModel, ModelListing } from "../../model/live-registry.ts";
import type { ModelSource } from "../../model/model.ts";
import { createReaderSource, isModelId, type LeftOutModel } from "../../model/registry.ts";
import type { Limits } from "../limits.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { readObject } from "../../storage/read-object.ts";

/**
 * Sources for the named models; nothing is read until one is asked for, and weights are then checked against the card's SHA-256.
 * @param prefix folder of the models, with its trailing slash or empty
 * @param ids `name@version` of each: a listing could change under a running job
 * @param maxBytes of one file
 */
export function listStoredModels(
  store: ObjectStore,
  prefix: string,
  ids: readonly string[],
  maxBytes: number,
): ModelSource[] {
  const reader = { read: (path: string) => readObject(store, `${prefix}${path}`, maxBytes) };
  return ids.map((id) => createReaderSource(reader, id));
}

/**
 * What lies below the prefix now: every folder `<name>@<version>/` with a `card.json`. Other objects are passed over.
 * Weights should come first and the card last, so that no model is seen before it is whole.
 */
export async function findStoredModels(
  store: ObjectStore,
  prefix: string,
  {
    maxModelBytes,
    maxListedModels,
    maxModelPages,
  }: Pick<Limits, "maxModelBytes" | "maxListedModels" | "maxModelPages">,
): Promise<ModelListing> {
  const models: ListedModel[] = [];
  const leftOut: LeftOutModel[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < maxModelPages; page += 1) {
    const { objects, cursor: next } = await store.list({ prefix, ...(cursor !== undefined && { cursor }) });
    for (const { key, etag } of objects) {
      const id = /^([^/]+)\/card\.json$/.exec(key.slice(prefix.length))?.[1];
      if (id === undefined || !isModelId(id)) continue;
      const [source] = listStoredModels(store, prefix, [id], maxModelBytes);
      if (models.length === maxListedModels) leftOut.push({ id, detail: `only ${maxListedModels} models are taken` });
      else if (source !== undefined) models.push({ source, etag });
    }
    if (next === undefined) return { models, leftOut };
    cursor = next;
  }
  leftOut.push({ id: prefix, detail: `only the first ${maxModelPages} pages of objects are looked through` });
  return { models, leftOut };
}
