/** Preprocessing step 4: bytes to the network's input range. */

import { GRAY_48, type InputForm, tabulateLevels } from "./input-form.ts";

/** `(L/255 − 0.5) / 0.5` for every byte, computed in doubles; rounds to float32 when stored as such. */
export const NORMALIZED: readonly number[] = tabulateLevels(GRAY_48)[0]!;

/** What writes the normalized form of bytes to the start of an array: rows of pixels, channels together, as the bytes. */
export function createNormalizer(input: InputForm): (pixels: Uint8Array, target: Float32Array) => void {
  const tables = tabulateLevels(input).map((levels) => Float32Array.from(levels));
  return (pixels, target) => {
    for (const [k, table] of tables.entries()) {
      for (let i = k; i < pixels.length; i += tables.length) target[i] = table[pixels[i]!]!;
    }
  };
}
