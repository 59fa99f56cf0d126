/** Large photographs made from a small one: what a phone or a camera would have written. */

import { GRAY_48 } from "../../src/model/input-form.ts";
import { cutFace, DEFAULT_FACE_SEARCH } from "../../src/scoring/chunk/faces.ts";
import type { ImageDecoder } from "../../src/image/image-types.ts";
import type { FaceFinder, Raster } from "../../src/model/face-finder.ts";
import { selectFaces } from "../../src/scoring/chunk/faces.ts";
import { encodeJpeg } from "./jpeg-encoder.ts";

export interface LargePhotograph {
  readonly name: string;
  /** As stored. */
  readonly width: number;
  readonly height: number;
  readonly progressive: boolean;
  readonly orientation: number;
}

export const LARGE_PHOTOGRAPHS: readonly LargePhotograph[] = [
  { name: "12-megapixel baseline", width: 4000, height: 3000, progressive: false, orientation: 1 },
  { name: "4000×6000 with EXIF orientation 6", width: 6000, height: 4000, progressive: false, orientation: 6 },
  { name: "12-megapixel progressive", width: 4000, height: 3000, progressive: true, orientation: 1 },
];

/** Encodes `source` enlarged; with orientation 6, turned so that a reader of the tag sees it upright. */
export function enlarge(photograph: LargePhotograph, source: Raster): Uint8Array<ArrayBuffer> {
  const { width, height, progressive, orientation } = photograph;
  const isTurned = orientation === 6;
  const shownWidth = isTurned ? height : width;
  const shownHeight = isTurned ? width : height;
  return encodeJpeg({
    width,
    height,
    progressive,
    quality: 2,
    ...(orientation === 1 ? {} : { orientation }),
    readPixel(x, y, out) {
      // Stored (x, y) is shown at (height − 1 − y, x) when the reader turns it a quarter clockwise.
      const shownX = isTurned ? height - 1 - y : x;
      const shownY = isTurned ? x : y;
      const scale = Math.max(source.width / shownWidth, source.height / shownHeight);
      const column = Math.floor(shownX * scale);
      const row = Math.floor(shownY * scale);
      if (column >= source.width || row >= source.height) {
        out.fill(0);
        return;
      }
      const at = (row * source.width + column) * source.channels;
      for (let c = 0; c < 3; c++) out[c] = source.data[at + (source.channels === 3 ? c : 0)]!;
    },
  });
}

/** Decodes, finds and preprocesses as a chunk does. */
export async function scorePhotograph(
  bytes: Uint8Array,
  decoder: ImageDecoder,
  finder: FaceFinder,
): Promise<{ readonly raster: string; readonly source: string; readonly faces: number; readonly crops: number }> {
  const image = await decoder.decode(bytes);
  const options = { ...DEFAULT_FACE_SEARCH, mode: "all" } as const;
  const selection = await selectFaces(image, finder, options, 3);
  const faces = selection.kind === "faces" ? selection.faces : [];
  const crops = faces.map(({ crop }) => cutFace(image.raster, crop, GRAY_48));
  return {
    raster: `${image.raster.width}×${image.raster.height}`,
    source: `${image.sourceWidth}×${image.sourceHeight}`,
    faces: faces.length,
    crops: crops.filter((pixels) => Math.max(...pixels) - Math.min(...pixels) > 40).length,
  };
}
