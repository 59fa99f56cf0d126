/** At which sizes a picture is searched: chosen from the picture, so that nobody has to. Measured in docs/faces.md. */

/** How far a search goes: `normal` sees a face of `minFacePixels` at its own scale, `fine` at twice that; each has a bound on cost. */
export const FACE_DETAILS = ["normal", "fine"] as const;
/** One of {@link FACE_DETAILS}. */
export type FaceDetail = (typeof FACE_DETAILS)[number];

/**
 * Version of the search: looks, suppression and their numbers. Raised with every change that may change which faces are found, and stored with
 * every job, as part of the finder's name.
 */
const SEARCH_VERSION = 3;

/** Name of a finder with these weights. @param model `name@version` of the weights */
export function nameFaceFinder(model: string): string {
  return `${model}/${SEARCH_VERSION}`;
}

/** The finder that jobs are scored with; a test holds it to the one that is bundled. */
export const FACE_FINDER = nameFaceFinder("blazeface@1");

/**
 * Faces of the composed benchmark that {@link FACE_FINDER} finds by default, by the face's longer side: from `from` pixels until the next band's. Its
 * 100 pictures without a face have no find. docs/faces.md has the whole table.
 */
export const FACE_RECALL: readonly { readonly from: number; readonly found: number; readonly of: number }[] = [
  { from: 24, found: 101, of: 119 },
  { from: 32, found: 216, of: 226 },
  { from: 48, found: 118, of: 123 },
  { from: 64, found: 811, of: 814 },
];

/** Faces from this share of the picture's longer side on belong to the coarse look. */
export const COARSE_MIN_SHARE = 0.2;
/** Where the smallest face that is worth finding has this share, the coarse look is enough. */
export const COARSE_ONLY_SHARE = 0.3;
/** Confidence from which a find counts, by default: the mean of all looks. */
export const DEFAULT_MIN_FACE_SCORE = 0.57;
/** Shorter side of the smallest face that is searched for, by default, in pixels. */
export const DEFAULT_MIN_FACE_PIXELS = 24;

/** Pixels that a face of `minFacePixels` has in the finest look. */
const FINEST_FACE: Readonly<Record<FaceDetail, number>> = { normal: 24, fine: 48 };
/** Longer side of the finest look, at most: at 3,000 multiply-adds per pixel it is most of the search's cost. */
const FINEST_SIDE: Readonly<Record<FaceDetail, number>> = { normal: 512, fine: 2048 };
/** A finest look above `from` runs in tiles and needs another at `size`: that one sees the faces between those that fit a tile and the coarse look's. */
const MIDDLE = { from: 512, size: 256 } as const;

/**
 * Longer sides of the fine looks at a picture, in pixels of the network's input, finest first; none where no face below
 * {@link COARSE_ONLY_SHARE} is worth finding.
 * @param longSide longer side of the picture in pixels
 * @param minFacePixels shorter side of the smallest face that is worth finding
 */
export function planFineLooks(longSide: number, detail: FaceDetail, minFacePixels: number): number[] {
  if (minFacePixels >= COARSE_ONLY_SHARE * longSide) return [];
  const finest = Math.round(Math.min(FINEST_SIDE[detail], (longSide * FINEST_FACE[detail]) / minFacePixels));
  return finest > MIDDLE.from ? [finest, MIDDLE.size] : [finest];
}
