/** Preprocessing step 4: bytes to the network's input range. */

/** `(L/255 − 0.5) / 0.5` for every byte, computed in doubles; rounds to float32 when stored as such. */
export const NORMALISED: readonly number[] = Array.from({ length: 256 }, (_, level) => (level / 255 - 0.5) / 0.5);
const NORMALISED_FLOAT32 = Float32Array.from(NORMALISED);

/** Writes the normalised form of `pixels` (bytes 0…255) to the start of `target`. */
export function normalisePixels(pixels: Uint8Array, target: Float32Array): void {
  for (let i = 0; i < pixels.length; i++) target[i] = NORMALISED_FLOAT32[pixels[i]!]!;
}
