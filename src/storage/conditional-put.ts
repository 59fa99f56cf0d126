/** Finds stores that ignore `If-None-Match`, before an output is written to one. */

import { ScoringError } from "../errors.ts";
import type { ObjectStore } from "./object-store.ts";

/**
 * Writes `key` twice, create-only, and deletes it. Throws `store_unconditional` if the second write is not refused: such a
 * store would let a duplicate delivery overwrite what has been written. `key` should be new for each probe.
 */
export async function probeConditionalPut(store: ObjectStore, key: string): Promise<void> {
  await store.put(key, "first", { ifNoneMatch: "*" });
  try {
    const second = await store.put(key, "second", { ifNoneMatch: "*" });
    if (second.kind === "conflict") return;
    throw new ScoringError("store_unconditional", "the store ignores conditional puts, so it cannot hold outputs");
  } finally {
    await store.delete([key]);
  }
}
