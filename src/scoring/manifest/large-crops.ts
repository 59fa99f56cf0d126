/** Photographs taken for face crops: each would be labeled as the middle of the picture looks, face or not. */

import type { Manifest } from "./manifest.ts";

/** Mean bytes of an input above which the inputs are hardly face crops: a JPEG of 512×512 pixels, fine as cameras write it, has about so many. */
const MAX_MEAN_BYTES = 150_000;

/**
 * The warning, with what to try; `null` where faces are searched, or the inputs are as small as face crops are.
 * @param inputs number of inputs, `bytes` in all
 */
export function describeLargeCrops(
  { faces, format }: Pick<Manifest, "faces" | "format">,
  inputs: number,
  bytes: number,
): string | null {
  if (faces !== "aligned" || format === "fer2013-csv" || inputs === 0 || bytes <= MAX_MEAN_BYTES * inputs) return null;
  return (
    `faces "aligned" takes each input for a face crop, but the inputs have ${Math.round(bytes / inputs / 1000)} kB on average, as ` +
    `photographs have: where faces do not fill the pictures, or pictures are not about square, use faces "auto", "largest" or "all"`
  );
}
