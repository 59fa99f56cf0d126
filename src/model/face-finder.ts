/** The port between the scoring core and whatever finds faces in a photograph. */

import type { FaceDetail } from "./face-levels.ts";

/** 8-bit pixels, row-major, channels interleaved. `data.length = width × height × channels`. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  /** 1 gray or 3 RGB; alpha is dropped at decoding. */
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

/** A rectangle in pixels of the picture it was found in; may reach past the border. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A place in pixels of the picture. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Both eyes of a face, the right one first: that on the left of an upright picture. */
export type Eyes = readonly [Point, Point];

/** One face. */
export interface FoundFace {
  readonly box: Box;
  /** Right eye first, that on the left of an upright picture; absent if the detector finds none. */
  readonly eyes?: Eyes;
  /** Detector's confidence, 0…1. */
  readonly score: number;
}

/** What is looked for; the defaults are measured (docs/faces.md). */
export interface FindOptions {
  /** Confidence from which a find counts, 0…1. */
  readonly minScore?: number;
  /** Shorter side of the smallest face that is worth finding, in pixels of `image`; smaller faces may be found too. */
  readonly minFacePixels?: number;
  readonly detail?: FaceDetail;
  /** Whether the largest face alone is wanted: then the search ends with it. */
  readonly largestOnly?: boolean;
  /** Awaited between the steps of a search, so that others get their turn. @param cost of the step, in faces of 48×48 that are classified */
  readonly breathe?: (cost: number) => Promise<void>;
}

/** A loaded detector on one engine. Not safe for overlapping calls. */
export interface FaceFinder {
  /** `name@version` of the weights, a slash and the version of the search; stored in the run lock. */
  readonly name: string;
  /** Faces at or above the threshold, best first, after non-maximum suppression, boxes in pixels of `image`. */
  find(image: Raster, options?: FindOptions): Promise<readonly FoundFace[]>;
  /** Frees what the engine holds. Idempotent. */
  dispose(): void;
}
