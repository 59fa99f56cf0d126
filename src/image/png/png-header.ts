/** PNG's IHDR and its first few chunks (W3C PNG, third edition, §11). */

import { ScoringError } from "../../errors.ts";
import { readExifOrientation } from "../exif.ts";
import type { ImageHeader } from "../image-types.ts";
import { computeCrc32 } from "./crc32.ts";

/** Samples per pixel, by color type. */
const COMPONENTS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
/** Bit depths that the standard allows by color type. */
const BIT_DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

const ACTL = 0x6163544c;
const EXIF = 0x65584966;
const IDAT = 0x49444154;
/** Most chunks that are walked for their types: `eXIf` may come after the picture's data. */
const MAX_CHUNKS = 32_768;

/** What a PNG's header tells. */
export interface PngHeader extends ImageHeader {
  readonly format: "png";
}

/** @throws ScoringError `image_truncated`, `image_corrupt` */
export function readPngHeader(bytes: Uint8Array): PngHeader {
  if (bytes.length < 33) throw new ScoringError("image_truncated", "PNG ends inside its header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(8) !== 13 || view.getUint32(12) !== 0x49484452) {
    throw new ScoringError("image_corrupt", "PNG does not begin with IHDR");
  }
  const width = view.getUint32(16);
  const height = view.getUint32(20);
  const bitDepth = view.getUint8(24);
  const colorType = view.getUint8(25);
  const components = COMPONENTS[colorType];
  if (components === undefined || !BIT_DEPTHS[colorType]?.includes(bitDepth)) {
    throw new ScoringError("image_corrupt", `PNG of color type ${colorType} with ${bitDepth} bits`);
  }
  if (width === 0 || height === 0) throw new ScoringError("image_corrupt", `PNG of ${width}×${height} pixels`);
  if (view.getUint8(26) !== 0 || view.getUint8(27) !== 0 || view.getUint8(28) > 1) {
    throw new ScoringError("image_corrupt", "PNG with an unknown compression, filter or interlace method");
  }
  const { animated, orientation } = readAncillary(bytes, view);
  return {
    format: "png",
    width,
    height,
    bitDepth,
    components,
    colorType,
    progressive: view.getUint8(28) === 1,
    orientation,
    scans: 1,
    complete: true, // known only after the chunks are walked, which the decoder does
    samples: width * height * components,
    lossless: true,
    animated,
  };
}

/** An animation's `acTL` must stand before the first IDAT, `eXIf` anywhere; a chunk whose checksum does not match is ignored. */
function readAncillary(bytes: Uint8Array, view: DataView): { animated: boolean; orientation: number } {
  let animated = false;
  let orientation: number | null = null;
  let hasData = false;
  let at = 33;
  for (let i = 0; i < MAX_CHUNKS && at + 12 <= view.byteLength; i++) {
    const type = view.getUint32(at + 4);
    const end = at + 12 + view.getUint32(at);
    if (type === IDAT) hasData = true;
    if (type === ACTL && !hasData) animated = true;
    if (type === EXIF && orientation === null && end <= view.byteLength) {
      const isWhole = computeCrc32(bytes.subarray(at + 4, end - 4)) === view.getUint32(end - 4);
      orientation = isWhole ? readExifOrientation(bytes.subarray(at + 8, end - 4)) : 1;
    }
    at = end;
  }
  return { animated, orientation: orientation ?? 1 };
}
