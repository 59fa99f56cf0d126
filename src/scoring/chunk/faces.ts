/** Which faces of a picture are scored, and the rectangle of each that the classifier sees. */

import { type PixelForm, preprocessFace } from "../../image/preprocess.ts";
import { preprocessTurned, type TurnedSquare } from "../../image/upright.ts";
import { longerSide } from "../../model/face-overlap.ts";
import type { FaceMode } from "../records/face-mode.ts";
import type { PipelineVersion } from "../records/records.ts";
import type { Box, Eyes, FaceFinder, FindOptions, Point, Raster } from "../../model/face-finder.ts";
import { DEFAULT_MIN_FACE_PIXELS, DEFAULT_MIN_FACE_SCORE, type FaceDetail } from "../../model/face-levels.ts";
import type { DecodedImage } from "../../image/image-types.ts";

/** A job's options for finding faces. */
export interface FaceOptions {
  readonly mode: FaceMode;
  /** Shorter side of a face's box in original pixels; smaller faces are not scored. */
  readonly minFacePixels: number;
  /** Detector's confidence 0…1. */
  readonly minFaceScore: number;
  /** How far the search goes for small faces. */
  readonly faceDetail: FaceDetail;
}

/** The options by default. */
export const DEFAULT_FACE_SEARCH = {
  minFacePixels: DEFAULT_MIN_FACE_PIXELS,
  minFaceScore: DEFAULT_MIN_FACE_SCORE,
  faceDetail: "normal",
} as const;

/** The options of a manifest. */
export function toFaceOptions(manifest: Omit<FaceOptions, "mode"> & { readonly faces: FaceMode }): FaceOptions {
  const { faces: mode, minFacePixels, minFaceScore, faceDetail } = manifest;
  return { mode, minFacePixels, minFaceScore, faceDetail };
}

/** One face to classify. */
export interface SelectedFace {
  /** As found, in original pixels after EXIF orientation; `null` where the whole image is the face by contract. */
  readonly box: Box | null;
  /** Detector's confidence; `null` with `aligned`. */
  readonly score: number | null;
  /** Likewise; `null` where eyes were not searched for. */
  readonly eyes: Eyes | null;
  /** What {@link cutFace} takes, in pixels of the raster; `null` means the whole image. */
  readonly crop: Box | TurnedSquare | null;
}

/** A picture that is a face crop by contract. */
export const WHOLE_PICTURE: SelectedFace = { box: null, score: null, eyes: null, crop: null };

/** The faces of a picture, or why there are none. */
export type FaceSelection =
  | { readonly kind: "faces"; readonly faces: readonly SelectedFace[] }
  | { readonly kind: "no_face" }
  /** Faces were found, but none as large as `minFacePixels`. `box` is the largest, in original pixels. */
  | { readonly kind: "too_small"; readonly box: Box; readonly score: number };

/** Pixels of a picture whose decoding costs as much as classifying a face of 48×48. */
const PIXELS_PER_COST = 32_768;

/**
 * Finds and picks the faces of one picture.
 * @param finder may be `null` with `aligned` only
 * @param breathe see FindOptions
 */
export async function selectFaces(
  image: DecodedImage,
  finder: FaceFinder | null,
  options: FaceOptions,
  pipeline: PipelineVersion,
  breathe?: FindOptions["breathe"],
): Promise<FaceSelection> {
  if (isFaceCrop(image, options.mode)) return { kind: "faces", faces: [WHOLE_PICTURE] };
  if (finder === null) throw new TypeError(`faces: "${options.mode}" needs a face finder`);
  const { width, height } = image.raster;
  await breathe?.((width * height) / PIXELS_PER_COST);
  const found = await finder.find(image.raster, {
    minScore: options.minFaceScore,
    minFacePixels: options.minFacePixels * image.scale,
    detail: options.faceDetail,
    largestOnly: options.mode !== "all",
    ...(breathe === undefined ? {} : { breathe }),
  });
  const faces = found.map(({ box, eyes, score }) => ({
    box: scaleBox(box, 1 / image.scale),
    eyes: scaleEyes(eyes, 1 / image.scale),
    score,
    crop: pipeline === 3 && eyes !== undefined ? cropUpright(box, eyes) : cropFace(box),
  }));
  const largestFound = pickLargest(faces);
  if (largestFound === null) return { kind: "no_face" };
  const bigEnough = faces.filter(({ box }) => Math.min(box.width, box.height) >= options.minFacePixels);
  const largest = pickLargest(bigEnough);
  if (largest === null) return { kind: "too_small", box: largestFound.box, score: largestFound.score };
  return { kind: "faces", faces: options.mode === "all" ? bigEnough : [largest] };
}

/** `auto`: a picture of this many pixels on its longer side, or fewer, is a face crop as it stands. */
export const MAX_CROP_SIDE = 96;

/** The rule depends on the size alone, so that the same picture is treated the same wherever it lies. */
function isFaceCrop({ sourceWidth, sourceHeight }: DecodedImage, mode: FaceMode): boolean {
  return mode === "aligned" || (mode === "auto" && Math.max(sourceWidth, sourceHeight) <= MAX_CROP_SIDE);
}

/** The square around a found box that the classifier expects, in the same pixels: preprocessing versions 1 and 2. Measured: docs/faces.md. */
export function cropFace(box: Box): Box {
  const side = longerSide(box) * CROP_SIZE;
  const middleX = box.x + box.width / 2;
  const middleY = box.y + box.height / 2 - longerSide(box) * CROP_RISE;
  return { x: middleX - side / 2, y: middleY - side / 2, width: side, height: side };
}

/** Version 3: a square of the same side around the eyes, turned with the line between them. Measured: docs/faces.md. */
export function cropUpright(box: Box, [right, left]: Eyes): Box | TurnedSquare {
  const size = longerSide(box);
  const side = size * CROP_SIZE;
  // Whole degrees and pixels: two engines whose eyes differ in the last bits cut the same face.
  const degrees = Math.round((Math.atan2(left.y - right.y, left.x - right.x) * 180) / Math.PI);
  const isTurned = Math.abs(degrees) >= MIN_ROLL && Math.abs(degrees) <= MAX_ROLL;
  const radians = isTurned ? (degrees * Math.PI) / 180 : 0;
  const across = { x: Math.cos(radians), y: Math.sin(radians) };
  const middle = {
    x: (right.x + left.x) / 2 - size * CROP_BELOW_EYES * across.y,
    y: (right.y + left.y) / 2 + size * CROP_BELOW_EYES * across.x,
  };
  if (!isTurned) return { x: middle.x - side / 2, y: middle.y - side / 2, width: side, height: side };
  return {
    middle: { x: Math.round(middle.x), y: Math.round(middle.y) },
    side: Math.max(1, Math.round(side)),
    across,
  };
}

/** The bytes of a crop that a network takes. */
export function cutFace(raster: Raster, crop: SelectedFace["crop"], form: PixelForm): Uint8Array {
  return crop !== null && "across" in crop ? preprocessTurned(raster, crop, form) : preprocessFace(raster, crop, form);
}

/** Side of the crop over the longer side of the box. */
const CROP_SIZE = 1.14;
/** Rise of the crop's middle over the box's, in longer sides of the box: the detector's boxes begin at the brows. */
const CROP_RISE = 0.08;
/** Version 3: distance of the crop's middle below that of the eyes, in longer sides of the box. */
const CROP_BELOW_EYES = 0.13;
/** Degrees below which a face counts as upright: the eyes are not located better, and the classifier tolerates as much. */
const MIN_ROLL = 5;
/** Degrees above which the eyes are not trusted. */
const MAX_ROLL = 60;

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

function scaleEyes(eyes: Eyes | undefined, factor: number): Eyes | null {
  const scale = ({ x, y }: Point): Point => ({ x: x * factor, y: y * factor });
  return eyes === undefined ? null : [scale(eyes[0]), scale(eyes[1])];
}

function scaleBox(box: Box, factor: number): Box {
  return { x: box.x * factor, y: box.y * factor, width: box.width * factor, height: box.height * factor };
}
