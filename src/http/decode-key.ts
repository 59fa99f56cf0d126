/** Object keys in paths. */

import { ScoringError } from "../errors.ts";

/** A percent-encoded path part as text. @throws ScoringError `validation_failed` */
export function decodeKey(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new ScoringError("validation_failed", "the key is not valid percent-encoding", { cause });
  }
}
