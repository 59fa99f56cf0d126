/** A store seen through a key's grants: whatever asks for another key, whoever wrote that key down, is refused. */

import type { ObjectStore } from "../../storage/object-store.ts";
import { requireGrant, type StoreGrant } from "./access.ts";

/** The store itself if `grants` is `null`; else one whose every operation throws `forbidden` outside of them. */
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
