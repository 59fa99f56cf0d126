/** Preprocessing step 4: bytes to the network's input range. */

import { ScoringError } from "../errors.ts";
import { FACE_PIXELS } from "./labels.ts";

/** `(L/255 − 0.5) / 0.5` for every byte, computed in doubles; rounds to float32 when stored as such. */
export const NORMALIZED: readonly number[] = Array.from({ length: 256 }, (_, level) => (level / 255 - 0.5) / 0.5);
const NORMALIZED_FLOAT32 = Float32Array.from(NORMALIZED);

/** Writes the normalized form of `pixels` (bytes 0…255) to the start of `target`. */
export function normalizePixels(pixels: Uint8Array, target: Float32Array): void {
  for (let i = 0; i < pixels.length; i++) target[i] = NORMALIZED_FLOAT32[pixels[i]!]!;
}

/**
 * Refuses a call that could only read beyond its pixels.
 * @throws ScoringError `internal`: the caller is wrong, not the input
 */
export function checkPixels(pixels: Uint8Array, count: number): void {
  if (Number.isInteger(count) && count >= 0 && pixels.length >= count * FACE_PIXELS) return;
  throw new ScoringError("internal", `${pixels.length} bytes do not hold ${count} faces of ${FACE_PIXELS}`);
}
