/**
 * JPEG markers, read without decoding (ITU-T T.81, annex B).
 *
 * The whole chain of markers is walked, entropy-coded data included, so that a missing end and the number of scans
 * are known before the decoder runs. Every step moves forward, so the walk ends.
 */

import { ScoringError } from "../../errors.ts";
import { hasExifMark, readExifOrientation } from "../exif.ts";
import type { ImageHeader } from "../image-types.ts";

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const APP1 = 0xe1;

/** The common header, of a JPEG. */
export interface JpegHeader extends ImageHeader {
  readonly format: "jpeg";
}

interface Frame {
  readonly precision: number;
  readonly width: number;
  readonly height: number;
  readonly components: number;
  readonly progressive: boolean;
  readonly samples: number;
}

/** @throws ScoringError `image_truncated` if it ends before the first scan, `image_corrupt`, `image_unsupported` */
export function readJpegHeader(bytes: Uint8Array): JpegHeader {
  let position = 2;
  let frame: Frame | null = null;
  let orientation = 1;
  let scans = 0;
  let firstScanComponents = 0;
  let complete = false;

  while (position < bytes.length) {
    const marker = findMarker(bytes, position);
    if (marker === null) break;
    position = marker.end;
    if (marker.code === EOI) {
      complete = true;
      break;
    }
    // Markers without a length: restart, SOI, TEM.
    if ((marker.code >= 0xd0 && marker.code <= SOI) || marker.code === 0x01) continue;
    if (position + 2 > bytes.length) break;
    const length = readUint16(bytes, position);
    if (length < 2) throw new ScoringError("image_corrupt", `JPEG segment of length ${length} at byte ${position}`);
    const segment = bytes.subarray(position + 2, position + length);
    const isCut = position + length > bytes.length;
    if (isFrameMarker(marker.code)) {
      if (frame !== null) throw new ScoringError("image_corrupt", "JPEG with two frames");
      if (isCut) break;
      frame = parseFrame(marker.code, segment);
    } else if (marker.code === SOS) {
      if (frame === null) throw new ScoringError("image_corrupt", "JPEG scan before its frame");
      if (scans === 0) firstScanComponents = segment[0] ?? 0;
      scans++;
    } else if (marker.code === APP1 && orientation === 1 && hasExifMark(segment)) {
      orientation = readExifOrientation(segment);
    }
    position += length;
  }

  if (frame === null || scans === 0) {
    if (complete) throw new ScoringError("image_corrupt", "JPEG without picture data");
    throw new ScoringError("image_truncated", "JPEG ends before its picture data");
  }
  return {
    format: "jpeg",
    width: frame.width,
    height: frame.height,
    bitDepth: frame.precision,
    components: frame.components,
    colorType: null,
    progressive: frame.progressive || firstScanComponents < frame.components,
    orientation,
    scans,
    complete,
    samples: frame.samples,
    lossless: false,
    animated: false,
  };
}

/** The next marker at or after `from`: skips entropy-coded data, stuffed zeros, restarts and fill bytes. */
function findMarker(bytes: Uint8Array, from: number): { code: number; end: number } | null {
  let at = from;
  for (;;) {
    at = bytes.indexOf(0xff, at);
    if (at < 0) return null;
    while (bytes[at] === 0xff) at++;
    const code = bytes[at];
    if (code === undefined) return null;
    at++;
    if (code === 0 || (code >= 0xd0 && code <= 0xd7)) continue;
    return { code, end: at };
  }
}

function isFrameMarker(code: number): boolean {
  return code >= 0xc0 && code <= 0xcf && code !== 0xc4 && code !== 0xc8 && code !== 0xcc;
}

function parseFrame(code: number, segment: Uint8Array): Frame {
  if (code > 0xc2) {
    const kind = code === 0xc3 ? "lossless" : code >= 0xc9 ? "arithmetic-coded" : "hierarchical";
    throw new ScoringError("image_unsupported", `JPEG is ${kind}; only baseline and progressive Huffman are read`);
  }
  const precision = segment[0] ?? 0;
  const height = readUint16(segment, 1);
  const width = readUint16(segment, 3);
  const components = segment[5] ?? 0;
  if (segment.length < 6 + 3 * components) throw new ScoringError("image_corrupt", "JPEG frame segment is too short");
  if (precision !== 8) throw new ScoringError("image_unsupported", `JPEG with ${precision} bits per sample`);
  if (components !== 1 && components !== 3 && components !== 4) {
    throw new ScoringError("image_unsupported", `JPEG with ${components} components`);
  }
  if (width === 0 || height === 0) throw new ScoringError("image_corrupt", `JPEG of ${width}×${height} pixels`);
  return {
    precision,
    width,
    height,
    components,
    progressive: code === 0xc2,
    samples: countSamples(segment, width, height, components),
  };
}

function countSamples(segment: Uint8Array, width: number, height: number, components: number): number {
  const factors: { h: number; v: number }[] = [];
  for (let i = 0; i < components; i++) {
    const packed = segment[7 + 3 * i] ?? 0;
    const h = packed >> 4;
    const v = packed & 15;
    if (h < 1 || h > 4 || v < 1 || v > 4) throw new ScoringError("image_corrupt", `JPEG sampling factors ${h}×${v}`);
    factors.push({ h, v });
  }
  const hMax = Math.max(...factors.map((factor) => factor.h));
  const vMax = Math.max(...factors.map((factor) => factor.v));
  const mcusAcross = Math.ceil(width / (8 * hMax));
  const mcusDown = Math.ceil(height / (8 * vMax));
  return factors.reduce((sum, { h, v }) => sum + mcusAcross * h * 8 * (mcusDown * v * 8), 0);
}

function readUint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
