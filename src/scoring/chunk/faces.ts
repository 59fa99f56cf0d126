/** Which faces of a picture are scored, and the rectangle of each that the classifier sees. */

import type { FaceMode } from "../records/face-mode.ts";
import type { Box, FaceFinder } from "../../model/face-finder.ts";
import type { DecodedImage } from "../../image/image-types.ts";

/** A job's options for finding faces. */
export interface FaceOptions {
  /** `aligned`: the picture is a face crop; `largest`: the largest face found; `all`: every face, best first. */
  readonly mode: FaceMode;
  /** Shorter side of a face's box in original pixels; smaller faces are not scored. */
  readonly minFacePixels: number;
  /** Detector's confidence 0…1. */
  readonly minFaceScore: number;
}

/** One face to classify. */
export interface SelectedFace {
  /** As found, in original pixels after EXIF orientation; `null` where the whole image is the face by contract. */
  readonly box: Box | null;
  /** Detector's confidence; `null` with `aligned`. */
  readonly score: number | null;
  /** What `preprocessFace(image.raster, crop)` takes, in pixels of the raster; `null` means the whole image. */
  readonly crop: Box | null;
}

/** The faces of a picture, or why there are none. */
export type FaceSelection =
  | { readonly kind: "faces"; readonly faces: readonly SelectedFace[] }
  | { readonly kind: "no_face" }
  /** Faces were found, none as large as `minFacePixels`. `box` is the largest, in original pixels. */
  | { readonly kind: "too_small"; readonly box: Box; readonly score: number };

/**
 * Finds and picks the faces of one picture.
 * @param finder may be `null` with `aligned` only
 */
export async function selectFaces(
  image: DecodedImage,
  finder: FaceFinder | null,
  options: FaceOptions,
): Promise<FaceSelection> {
  if (options.mode === "aligned") return { kind: "faces", faces: [{ box: null, score: null, crop: null }] };
  if (finder === null) throw new TypeError(`faces: "${options.mode}" needs a face finder`);
  const found = await finder.find(image.raster, { minScore: options.minFaceScore });
  const faces = found.map(({ box, score }) => ({ box: scaleBox(box, 1 / image.scale), score, crop: cropFace(box) }));
  const largestFound = pickLargest(faces);
  if (largestFound === null) return { kind: "no_face" };
  const bigEnough = faces.filter(({ box }) => Math.min(box.width, box.height) >= options.minFacePixels);
  const largest = pickLargest(bigEnough);
  if (largest === null) return { kind: "too_small", box: largestFound.box, score: largestFound.score };
  return { kind: "faces", faces: options.mode === "largest" ? [largest] : bigEnough };
}

/** The square around a found box that the classifier expects, in the same pixels. Measured: docs/faces.md. */
export function cropFace(box: Box): Box {
  const side = Math.max(box.width, box.height) * CROP_SIZE;
  const centreX = box.x + box.width / 2;
  const centreY = box.y + box.height / 2 + box.height * CROP_SHIFT_DOWN;
  return { x: centreX - side / 2, y: centreY - side / 2, width: side, height: side };
}

/** Side of the crop over the longer side of the box. */
const CROP_SIZE = 0.95;
/** Shift of the crop's centre, down, in heights of the box: the detector's boxes reach below the chin. */
const CROP_SHIFT_DOWN = -0.1;

function pickLargest<T extends { readonly box: Box }>(faces: readonly T[]): T | null {
  let largest: T | null = null;
  for (const face of faces) {
    if (largest === null || area(face.box) > area(largest.box)) largest = face;
  }
  return largest;
}

function area(box: Box): number {
  return box.width * box.height;
}

function scaleBox(box: Box, factor: number): Box {
  return { x: box.x * factor, y: box.y * factor, width: box.width * factor, height: box.height * factor };
}
