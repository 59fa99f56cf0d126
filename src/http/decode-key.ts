/** Object keys and record ids in paths. */

import { ScoringError } from "../errors.ts";

/** What stands before the key in a path, by its slashes: `/v1/stores/faces/objects/` or `/v1/jobs/<id>/images/`. */
const PARTS_BEFORE = 5;

/** The rest of a route's path, line ends included: a key may hold any character, and `.` does not match line ends. */
export const ANY_KEY = "{[^]+}";

/**
 * The key at the end of a request's path, percent-encoded there; its slashes may stand as they are. Slashes are counted rather than `/objects/` searched for: a
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
