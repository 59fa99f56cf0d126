/** Object keys and record ids in paths. */

import { ScoringError } from "../errors.ts";

/** `/v1/stores/faces/objects/` and `/v1/jobs/<id>/images/`: what stands before the key, by its slashes. */
const PARTS_BEFORE = 5;

/** The rest of a route's path, line ends too: a key may hold any character, and `.` would leave those out. */
export const ANY_KEY = "{[^]+}";

/**
 * The key at the end of a request's path, percent-encoded there; its slashes may stand as they are. Counted, not looked for: a
 * store can be named `objects`, and a key can hold `/objects/`.
 * @throws ScoringError `validation_failed`
 */
export function decodeKey(url: string): string {
  try {
    return decodeURIComponent(new URL(url).pathname.split("/").slice(PARTS_BEFORE).join("/"));
  } catch (cause) {
    throw new ScoringError("validation_failed", "the key is not valid percent-encoding", { cause });
  }
}
