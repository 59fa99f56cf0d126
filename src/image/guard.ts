/** Reads the header and refuses what would not fit, before a pixel is decoded. */

import { ScoringError } from "../errors.ts";
import { FORMATS_IN_WORDS, IMAGE_FORMATS, type HeaderOf } from "./image-formats.ts";
import type { ImageFormat, ImageHeader, ImageLimits, SharpFormat } from "./image-types.ts";
import { sniffFormat } from "./sniff.ts";

const BY_SHARP = ", or score it with `countenance score` where sharp is installed (`npm install sharp`)";

/** What else helps with a picture of a format that is not decoded here. */
const OTHER_WAYS: Readonly<Record<SharpFormat, string>> = {
  gif: BY_SHARP,
  tiff: BY_SHARP,
  avif: BY_SHARP,
  heic: "; sharp as npm installs it has no decoder for HEVC",
};

/**
 * The format by its first bytes.
 * @throws ScoringError `object_empty`, `image_unsupported` (saying what it looks like)
 */
export function identifyImage(bytes: Uint8Array): ImageFormat {
  if (bytes.length === 0) throw new ScoringError("object_empty", "the file has no bytes");
  const sniffed = sniffFormat(bytes);
  if (sniffed.kind === "image") return sniffed.format;
  const { looksLike, sharp } = sniffed;
  const otherWay = sharp === undefined ? "" : OTHER_WAYS[sharp];
  const advice = /\bimage\b/.test(looksLike) ? `: convert it, for example to JPEG${otherWay}` : "";
  throw new ScoringError("image_unsupported", `looks like ${looksLike}, not ${FORMATS_IN_WORDS}${advice}`);
}

/**
 * The header alone, bounded parsing.
 * @throws ScoringError `object_empty`, `image_unsupported` (saying what it looks like), `image_corrupt`, `image_truncated`
 */
export function readHeader(bytes: Uint8Array): HeaderOf[ImageFormat] {
  return IMAGE_FORMATS[identifyImage(bytes)].readHeader(bytes);
}

/**
 * Bytes that decoding holds at its peak, wasm and JavaScript together, the file included. An upper estimate from the
 * codecs' structure, kept above the measured values of docs/faces.md. The planner of chunks may use it too.
 */
export function estimateWorkingBytes(header: ImageHeader, fileBytes: number): number {
  return IMAGE_FORMATS[header.format].estimateWorkingBytes(header, fileBytes);
}

/**
 * Refuses a picture that is too large to decode safely.
 * @throws ScoringError `object_too_large`, `image_too_many_pixels`, `image_corrupt` (too many scans)
 */
export function guardImage(header: ImageHeader, fileBytes: number, limits: ImageLimits): void {
  const { format } = header;
  const size = guardSize(header, fileBytes, limits.maxPixels[format], limits);
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

/**
 * Refuses a picture by the size of its file and of its raster.
 * @returns its size in words
 * @throws ScoringError `object_too_large`, `image_too_many_pixels`
 */
export function guardSize(
  { width, height, format }: { readonly width: number; readonly height: number; readonly format: string },
  fileBytes: number,
  maxPixels: number,
  { maxBytes, maxSide }: Pick<ImageLimits, "maxBytes" | "maxSide">,
): string {
  if (fileBytes > maxBytes) {
    throw new ScoringError("object_too_large", `${fileBytes} bytes; at most ${maxBytes} are decoded`);
  }
  const size = `${width}×${height} ${format.toUpperCase()}`;
  if (width > maxSide || height > maxSide) {
    throw new ScoringError("image_too_many_pixels", `${size}; sides of at most ${maxSide} are decoded`);
  }
  if (width * height > maxPixels) {
    throw new ScoringError("image_too_many_pixels", `${size}; at most ${maxPixels} pixels are decoded`);
  }
  return size;
}
