/** Bounds of size that hold for every format, whatever decodes it. */

import { ScoringError } from "../errors.ts";
import type { ImageLimits } from "./image-types.ts";

/**
 * Refuses a picture by the size of its file and of its raster.
 * @returns its size in words
 * @throws ScoringError `object_too_large`, `image_too_many_pixels`
 */
export function guardSize(
  { width, height, format }: { readonly width: number; readonly height: number; readonly format: string },
  fileBytes: number,
  maxPixels: number,
  { maxBytes, maxSide }: Pick<ImageLimits, "maxBytes" | "maxSide">,
): string {
  if (fileBytes > maxBytes) {
    throw new ScoringError("object_too_large", `${fileBytes} bytes; at most ${maxBytes} are decoded`);
  }
  const size = `${width}×${height} ${format.toUpperCase()}`;
  if (width > maxSide || height > maxSide) {
    throw new ScoringError("image_too_many_pixels", `${size}; sides of at most ${maxSide} are decoded`);
  }
  if (width * height > maxPixels) {
    throw new ScoringError("image_too_many_pixels", `${size}; at most ${maxPixels} pixels are decoded`);
  }
  return size;
}
