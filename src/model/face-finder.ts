/** The port between the scoring core and whatever finds faces in a photograph. */

/** 8-bit pixels, row-major, channels interleaved. `data.length = width × height × channels`. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  /** 1 grey or 3 RGB; alpha is dropped at decoding. */
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

/** One face. */
export interface FoundFace {
  readonly box: Box;
  /** Detector's confidence, 0…1. */
  readonly score: number;
}

/** A loaded detector on one engine. Not safe for overlapping calls. */
export interface FaceFinder {
  /** `name@version` of the weights, a slash and the version of the search; stored in the run lock. */
  readonly name: string;
  /** All faces at or above the threshold, best first, after non-maximum suppression, boxes in pixels of `image`. */
  find(image: Raster, options?: { minScore?: number }): Promise<readonly FoundFace[]>;
  /** Frees what the engine holds. Idempotent. */
  dispose(): void;
}
