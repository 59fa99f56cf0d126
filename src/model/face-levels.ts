/** At which sizes a picture is searched: chosen from the picture, so that nobody has to. Measured in docs/faces.md. */

/** One search of the picture. */
export interface FaceLevel {
  /** Longer side of the detector's input. */
  readonly size: number;
  /**
   * Finds whose longer side is below this share of the picture's longer side are left to the finer levels: at a coarse
   * level they are small for the network, and more often wrong.
   */
  readonly minShare: number;
  /** Finds above it are left to the coarser levels: a texture seen too close looks like a face that fills the input. */
  readonly maxShare: number;
}

/**
 * Version of the search: levels, suppression and their numbers. Raised with whatever may change which faces are found, and stored with
 * every job, as part of the finder's name.
 */
const SEARCH_VERSION = 2;

/** Name of a finder with these weights. @param model `name@version` of the weights */
export function nameFaceFinder(model: string): string {
  return `${model}/${SEARCH_VERSION}`;
}

/** The finder that jobs are scored with; a test holds it to the one that is bundled. */
export const FACE_FINDER = nameFaceFinder("tiny-face@1");

/** Small pictures are searched at both: faces that fill a picture fall between the network's anchors at one alone. */
const COARSE_SIZES = [144, 128] as const;
/** Each is used where the picture has at least that many pixels on its longer side. */
const FINE_SIZES = [1024, 544, 288] as const;
/** From this size on, the next finer one is searched too: it sees faces too large for the finest. */
const PAIRED_SIZE = 1024;
/** Below this share of the picture, faces belong to the fine levels. */
const COARSE_MIN_SHARE = 0.35;
/** Pixels of the detector's input above which a find of a fine level belongs to the next coarser one (docs/faces.md). */
const FINE_MAX_PIXELS = 192;

/** The finest level of all: what `maxSize` may be at most. */
export const FINEST_FACE_SIZE = FINE_SIZES[0];

/**
 * The levels for a picture, finest first.
 * @param longSide longer side of the picture in pixels
 * @param maxSize finest level allowed; 544 makes a large picture about 4 times cheaper and misses faces below about 7 %
 * of its longer side
 */
export function planFaceLevels(longSide: number, maxSize: number = FINEST_FACE_SIZE): FaceLevel[] {
  const fine = FINE_SIZES.filter((size) => size <= maxSize && size <= longSide);
  const [finest] = fine;
  if (finest === undefined) return COARSE_SIZES.map((size) => ({ size, minShare: 0, maxShare: Infinity }));
  const used = finest >= PAIRED_SIZE ? fine.slice(0, 2) : [finest];
  const levels = used.map((size) => ({ size, minShare: 0, maxShare: FINE_MAX_PIXELS / size }));
  return [...levels, { size: COARSE_SIZES[0], minShare: COARSE_MIN_SHARE, maxShare: Infinity }];
}
