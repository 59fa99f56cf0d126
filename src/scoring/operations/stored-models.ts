/** A deployment's own models in a store: folders `<prefix><name>@<version>/` with `card.json` and `weights.safetensors`. */

import type { ModelSource } from "../../model/model.ts";
import { createReaderSource } from "../../model/registry.ts";
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
