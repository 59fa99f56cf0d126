/** Reads the header and refuses what would not fit, before a pixel is decoded. */

import { ScoringError } from "../errors.ts";
import type { ImageHeader, ImageLimits } from "./image-types.ts";
import { readJpegHeader, type JpegHeader } from "./jpeg/jpeg-header.ts";
import { readPngHeader } from "./png/png-header.ts";
import { sniffFormat } from "./sniff.ts";
import { readWebpHeader, type WebpHeader } from "./webp/webp-header.ts";

/** JPEGs above this many pixels are decoded at a reduced scale (docs/model.md, preprocessing version 1). */
const FULL_SCALE_MAX_PIXELS = 4_000_000;
/** A reduced scale keeps at least this many pixels. */
const REDUCED_MIN_PIXELS = 1_000_000;

/** A face crop keeps at least this many pixels along its shorter side: see docs/model.md, preprocessing version 2. */
const FACE_MIN_SIDE = 192;

/** A picture in which faces are searched keeps at least this many along its longer one: see docs/faces.md. */
const SEARCH_MIN_SIDE = 960;

/** The header of any decodable format. */
export type AnyHeader = JpegHeader | WebpHeader | (ImageHeader & { readonly format: "png" });

/**
 * The header alone, bounded parsing.
 * @throws ScoringError `object_empty`, `image_unsupported` (saying what it looks like), `image_corrupt`, `image_truncated`
 */
export function readHeader(bytes: Uint8Array): AnyHeader {
  if (bytes.length === 0) throw new ScoringError("object_empty", "the file has no bytes");
  const sniffed = sniffFormat(bytes);
  if (sniffed.kind === "other") {
    throw new ScoringError("image_unsupported", `looks like ${sniffed.looksLike}; JPEG, PNG and WebP are read`);
  }
  if (sniffed.format === "jpeg") return readJpegHeader(bytes);
  if (sniffed.format === "webp") return readWebpHeader(bytes);
  return { ...readPngHeader(bytes), format: "png" };
}

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

/**
 * Bytes that decoding holds at its peak, wasm and JavaScript together, the file included. An upper estimate from the
 * codecs' structure, kept above the measured values of docs/faces.md. The planner of chunks may use it too.
 */
export function estimateWorkingBytes(header: ImageHeader, fileBytes: number): number {
  const pixels = header.width * header.height;
  if (header.format === "png") {
    return pixels * (header.colorType === 0 || header.colorType === 4 ? 1 : 3) + fileBytes;
  }
  // RGBA in wasm, its copy, the RGB result; lossless holds ARGB once more.
  if (header.format === "webp") return pixels * (header.lossless ? 15 : 11) + 2 * fileBytes;
  const reduction = chooseJpegReduction(header.width, header.height);
  const outPixels = Math.ceil(header.width / reduction) * Math.ceil(header.height / reduction);
  // Decoder output and its upright copy; 16-bit coefficients if all scans must be held; the file's copy in wasm.
  const outBytes = outPixels * (header.components + Math.min(header.components, 3));
  return outBytes + (header.progressive ? 2 * header.samples : 0) + 2 * fileBytes;
}

/**
 * Refuses a picture that is too large to decode safely.
 * @throws ScoringError `object_too_large`, `image_too_many_pixels`, `image_corrupt` (too many scans)
 */
export function guardImage(header: ImageHeader, fileBytes: number, limits: ImageLimits): void {
  if (fileBytes > limits.maxBytes) {
    throw new ScoringError("object_too_large", `${fileBytes} bytes; at most ${limits.maxBytes} are decoded`);
  }
  const { width, height, format } = header;
  const size = `${width}×${height} ${format.toUpperCase()}`;
  if (width > limits.maxSide || height > limits.maxSide) {
    throw new ScoringError("image_too_many_pixels", `${size}; sides of at most ${limits.maxSide} are decoded`);
  }
  if (width * height > limits.maxPixels[format]) {
    throw new ScoringError("image_too_many_pixels", `${size}; at most ${limits.maxPixels[format]} pixels are decoded`);
  }
  const workingBytes = estimateWorkingBytes(header, fileBytes);
  if (workingBytes > limits.maxWorkingBytes) {
    const kind = header.progressive && format === "jpeg" ? "progressive " : "";
    throw new ScoringError(
      "image_too_many_pixels",
      `${kind}${size} needs about ${workingBytes} bytes to decode; at most ${limits.maxWorkingBytes} are spent`,
    );
  }
  if (header.scans > limits.maxScans) {
    throw new ScoringError("image_corrupt", `JPEG with ${header.scans} scans; at most ${limits.maxScans} are decoded`);
  }
}
