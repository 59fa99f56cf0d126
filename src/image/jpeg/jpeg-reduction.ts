/** At what reduced scale a JPEG is decoded: a choice by its size and by what of it is wanted. */

import type { DecodeAim } from "../image-types.ts";

/** JPEGs above this many pixels are decoded at a reduced scale (docs/model.md, preprocessing version 1). */
const FULL_SCALE_MAX_PIXELS = 4_000_000;
/** A reduced scale keeps at least this many pixels. */
const REDUCED_MIN_PIXELS = 1_000_000;

/** A face crop keeps at least this many pixels along its shorter side: see docs/model.md, preprocessing version 2. */
const FACE_MIN_SIDE = 192;

/** A picture in which faces are searched keeps at least this many along its longer one: see docs/faces.md. */
const SEARCH_MIN_SIDE = 960;

/**
 * The denominator of the scale at which a JPEG of this size is decoded: 1 up to 4 megapixels, else the largest of
 * 2, 4, 8 that leaves at least 1 megapixel (and 8 where even that leaves more).
 */
export function chooseJpegReduction(width: number, height: number): 1 | 2 | 4 | 8 {
  if (width * height <= FULL_SCALE_MAX_PIXELS) return 1;
  for (const denominator of [8, 4] as const) {
    if (Math.ceil(width / denominator) * Math.ceil(height / denominator) >= REDUCED_MIN_PIXELS) return denominator;
  }
  return 2;
}

/**
 * The same where the picture is one face crop: the largest of 8, 4, 2 that leaves the shorter side at least
 * {@link FACE_MIN_SIDE} pixels, as Pillow's `draft`, and never less than {@link chooseJpegReduction}.
 */
export function chooseFaceReduction(width: number, height: number): 1 | 2 | 4 | 8 {
  const room = Math.floor(Math.min(width, height) / FACE_MIN_SIDE);
  const least = chooseJpegReduction(width, height);
  return ([8, 4, 2] as const).find((denominator) => denominator <= room && denominator >= least) ?? least;
}

/**
 * The same where faces are searched no finer than in 512 pixels: the largest of 8, 4, 2 that leaves the longer side at least
 * {@link SEARCH_MIN_SIDE}, and never less than {@link chooseJpegReduction}. The smallest face that such a search sees keeps 45 pixels.
 */
export function chooseSearchReduction(width: number, height: number): 1 | 2 | 4 | 8 {
  const room = Math.floor(Math.max(width, height) / SEARCH_MIN_SIDE);
  const least = chooseJpegReduction(width, height);
  return ([8, 4, 2] as const).find((denominator) => denominator <= room && denominator >= least) ?? least;
}

const BY_AIM = { picture: chooseJpegReduction, face: chooseFaceReduction, search: chooseSearchReduction } as const;

/** The denominator for a JPEG of `width`×`height` pixels as stored. */
export function chooseReduction(aim: DecodeAim, width: number, height: number): 1 | 2 | 4 | 8 {
  return BY_AIM[aim](width, height);
}
