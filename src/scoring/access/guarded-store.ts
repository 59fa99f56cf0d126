/** A store seen through a key's grants: access outside them is refused, wherever the object's key came from. */

import type { ObjectStore } from "../../storage/object-store.ts";
import { requireGrant, type StoreGrant } from "./access.ts";

/** The store itself if `grants` is `null`; otherwise a store whose every operation throws `forbidden` outside them. */
export function guardStore(store: ObjectStore, name: string, grants: readonly StoreGrant[] | null): ObjectStore {
  if (grants === null) return store;
  const guard = (key: string): string => {
    requireGrant(grants, name, key);
    return key;
  };
  return {
    capabilities: store.capabilities,
    head: async (key) => store.head(guard(key)),
    get: async (key, options) => store.get(guard(key), options),
    read: async (key, options) => store.read(guard(key), options),
    put: async (key, body, options) => store.put(guard(key), body, options),
    list: async (options) => {
      guard(options.prefix);
      return store.list(options);
    },
    delete: async (keys) => store.delete(keys.map(guard)),
    createMultipart: async (key, options) => store.createMultipart(guard(key), options),
    resumeMultipart: (key, uploadId) => store.resumeMultipart(guard(key), uploadId),
  };
}
