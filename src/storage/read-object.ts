/** Reading a small object whole. */

import { ScoringError } from "../errors.ts";
import type { ObjectStore } from "./object-store.ts";

/** Reads a whole object that this program wrote; `null` if it does not exist. @throws ScoringError `object_too_large` */
export async function readObject(store: ObjectStore, key: string, maxBytes: number): Promise<Uint8Array | null> {
  const result = await store.read(key, { maxBytes });
  if (result.kind === "too_large") {
    throw new ScoringError("object_too_large", `${key} has ${result.info.size} bytes; the limit is ${maxBytes}`);
  }
  return result.kind === "found" ? result.bytes : null;
}
