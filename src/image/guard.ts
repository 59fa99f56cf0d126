/** Reads the header and refuses what would not fit, before a pixel is decoded. */

import { ScoringError } from "../errors.ts";
import { guardSize } from "./guard-size.ts";
import { FORMATS_IN_WORDS, IMAGE_FORMATS, type HeaderOf } from "./image-formats.ts";
import type { ImageFormat, ImageHeader, ImageLimits } from "./image-types.ts";
import { OPTIONAL_FORMATS } from "./optional-formats.ts";
import { sniffFormat } from "./sniff.ts";

/**
 * The format by its first bytes.
 * @throws ScoringError `object_empty`, `image_unsupported` (saying what it looks like)
 */
export function identifyImage(bytes: Uint8Array): ImageFormat {
  if (bytes.length === 0) throw new ScoringError("object_empty", "the file has no bytes");
  const sniffed = sniffFormat(bytes);
  if (sniffed.kind === "image") return sniffed.format;
  const { looksLike, format } = sniffed;
  const otherWay = format === undefined ? "" : adviseScore(OPTIONAL_FORMATS[format].package);
  const advice = /\bimage\b/.test(looksLike) ? `: convert it, for example to JPEG${otherWay}` : "";
  throw new ScoringError("image_unsupported", `looks like ${looksLike}, not ${FORMATS_IN_WORDS}${advice}`);
}

/** What else helps with a picture that an optional package decodes. */
function adviseScore(name: string): string {
  return `, or score it with \`countenance score\` where ${name} is installed (\`npm install ${name}\`)`;
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
