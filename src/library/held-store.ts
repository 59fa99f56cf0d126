/** Pictures that are already in memory, as a read-only store. */

import { ScoringError } from "../errors.ts";
import type { ObjectInfo, ObjectStore } from "../storage/object-store.ts";

/** A store whose keys are the places in `pictures`: `0`, `1`, … A picture that is an error throws it when it is read. */
export function createHeldStore(pictures: readonly (Uint8Array | ScoringError)[]): ObjectStore {
  return {
    capabilities: { versions: false },
    async read(key, { maxBytes, ifMatch = "" }) {
      const bytes = pictures[Number(key)];
      if (bytes === undefined) return { kind: "missing" };
      if (bytes instanceof ScoringError) throw bytes;
      // The etag comes from the content, so it cannot have changed.
      const info: ObjectInfo = { key, size: bytes.length, etag: ifMatch };
      return bytes.length > maxBytes ? { kind: "too_large", info } : { kind: "found", info, bytes };
    },
    get: refuse,
    head: refuse,
    put: refuse,
    list: refuse,
    delete: refuse,
    createMultipart: refuse,
    resumeMultipart: () => {
      throw new ScoringError("internal", READ_ONLY);
    },
  };
}

const READ_ONLY = "held pictures can only be read whole";

async function refuse(): Promise<never> {
  throw new ScoringError("internal", READ_ONLY);
}
