/** The optional packages that decode pictures in Node. */

import type { OptionalDecoder, OptionalFormat } from "./image-types.ts";
import { loadLibheif } from "./libheif-node.ts";
import { loadSharp } from "./sharp-node.ts";

/**
 * What decodes a format: HEIC `libheif-js`, or a `sharp` on a libvips of one's own, whose binaries come without HEVC; the others
 * `sharp`.
 * @returns `null` where it is not installed
 * @throws ScoringError `image_unsupported` where it is installed and cannot be loaded
 */
export async function loadOptionalDecoder(format: OptionalFormat): Promise<OptionalDecoder | null> {
  return (format === "heic" ? await loadLibheif() : null) ?? loadSharp();
}
