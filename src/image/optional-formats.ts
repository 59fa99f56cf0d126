/** The formats that optional packages decode in Node. */

import type { OptionalFormat } from "./image-types.ts";

/** Which package decodes which, as npm names it. */
export const OPTIONAL_PACKAGES: Readonly<Record<OptionalFormat, string>> = {
  heic: "libheif-js",
  avif: "sharp",
  gif: "sharp",
  tiff: "sharp",
};
