/** PNG's IHDR and its first few chunks (W3C PNG, third edition, §11). */

import { ScoringError } from "../../errors.ts";
import type { ImageHeader } from "../image-types.ts";

/** Samples a pixel by colour type. */
const COMPONENTS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
/** Bit depths that the standard allows by colour type. */
const BIT_DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

/** @throws ScoringError `image_truncated`, `image_corrupt` */
export function readPngHeader(bytes: Uint8Array): ImageHeader {
  if (bytes.length < 33) throw new ScoringError("image_truncated", "PNG ends inside its header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(8) !== 13 || view.getUint32(12) !== 0x49484452) {
    throw new ScoringError("image_corrupt", "PNG does not begin with IHDR");
  }
  const width = view.getUint32(16);
  const height = view.getUint32(20);
  const bitDepth = view.getUint8(24);
  const colourType = view.getUint8(25);
  const components = COMPONENTS[colourType];
  if (components === undefined || !BIT_DEPTHS[colourType]?.includes(bitDepth)) {
    throw new ScoringError("image_corrupt", `PNG of colour type ${colourType} with ${bitDepth} bits`);
  }
  if (width === 0 || height === 0) throw new ScoringError("image_corrupt", `PNG of ${width}×${height} pixels`);
  if (view.getUint8(26) !== 0 || view.getUint8(27) !== 0 || view.getUint8(28) > 1) {
    throw new ScoringError("image_corrupt", "PNG with an unknown compression, filter or interlace method");
  }
  return {
    format: "png",
    width,
    height,
    bitDepth,
    components,
    colourType,
    progressive: view.getUint8(28) === 1,
    orientation: 1,
    scans: 1,
    complete: true, // known only after the chunks are walked, which the decoder does
    samples: width * height * components,
    lossless: true,
    animated: hasAnimationControl(view),
  };
}

/** acTL must stand before IDAT; looks at a bounded number of chunks. */
function hasAnimationControl(view: DataView): boolean {
  let at = 33;
  for (let i = 0; i < 32 && at + 8 <= view.byteLength; i++) {
    const type = view.getUint32(at + 4);
    if (type === 0x6163544c) return true;
    if (type === 0x49444154) return false;
    at += 12 + view.getUint32(at);
  }
  return false;
}
