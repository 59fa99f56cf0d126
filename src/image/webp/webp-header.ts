/** WebP's container and the sizes inside it (RFC 9649). */

import { ScoringError } from "../../errors.ts";
import { readExifOrientation } from "../exif.ts";
import type { ImageHeader } from "../image-types.ts";

/** Most chunks that are walked: metadata follows the picture, or the frames of an animation. */
const MAX_CHUNKS = 8192;

/** One frame's place in the canvas and its bitstream chunks (`ALPH`, `VP8 `, `VP8L`). */
export interface WebpFrame {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** The frame's own chunks, headers included. */
  readonly data: Uint8Array;
}

/** What the RIFF chunks of a WebP tell before decoding. */
export interface WebpHeader extends ImageHeader {
  readonly format: "webp";
  /** First frame of an animation; `null` for a still picture, which the decoder takes whole. */
  readonly firstFrame: WebpFrame | null;
}

interface Chunk {
  readonly id: string;
  /** Payload, cut at the end of the file. */
  readonly data: Uint8Array;
  /** Header included. */
  readonly whole: Uint8Array;
  readonly isCut: boolean;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

interface Picture {
  readonly size: Size;
  readonly complete: boolean;
  readonly lossless: boolean;
  /** First frame of an animation. */
  readonly frame: WebpFrame | null;
}

/** @throws ScoringError `image_truncated`, `image_corrupt` */
export function readWebpHeader(bytes: Uint8Array): WebpHeader {
  if (bytes.length < 20) throw new ScoringError("image_truncated", "WebP ends inside its header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const complete = bytes.length >= 8 + view.getUint32(4, true);
  let canvas: Size | null = null;
  let isAnimated = false;
  let hasExif = false;
  let orientation = 1;
  let picture: Picture | null = null;
  for (const chunk of walkChunks(bytes, 12)) {
    if (chunk.id === "VP8X") {
      if (chunk.data.length < 10) throw new ScoringError("image_truncated", "WebP ends inside VP8X");
      canvas = { width: 1 + readUint24(chunk.data, 4), height: 1 + readUint24(chunk.data, 7) };
      isAnimated = ((chunk.data[0] ?? 0) & 2) !== 0;
      hasExif = ((chunk.data[0] ?? 0) & 8) !== 0;
    } else if (chunk.id === "EXIF" && hasExif && !chunk.isCut) {
      // Metadata follows the picture: nothing is left to look for.
      orientation = readExifOrientation(chunk.data);
      if (picture !== null) break;
    } else if (chunk.id === "ANMF" && isAnimated && canvas !== null && picture === null) {
      const frame = parseFrame(chunk, canvas);
      picture = { size: canvas, complete: complete && !chunk.isCut, lossless: isLossless(frame.data), frame };
    } else if ((chunk.id === "VP8 " || chunk.id === "VP8L") && !isAnimated && picture === null) {
      const size = chunk.id === "VP8L" ? readLosslessSize(chunk) : readLossySize(chunk);
      if (canvas !== null && (canvas.width !== size.width || canvas.height !== size.height)) {
        throw new ScoringError("image_corrupt", "WebP canvas and picture differ in size");
      }
      picture = { size, complete, lossless: chunk.id === "VP8L", frame: null };
    }
    if (picture !== null && !hasExif) break;
  }
  if (picture !== null) return describe(picture, orientation);
  if (!complete) throw new ScoringError("image_truncated", "WebP ends before its picture data");
  throw new ScoringError("image_corrupt", "WebP without picture data");
}

function describe({ size, complete, lossless, frame }: Picture, orientation: number): WebpHeader {
  return {
    format: "webp",
    width: size.width,
    height: size.height,
    bitDepth: 8,
    components: 4,
    colorType: null,
    progressive: false,
    orientation,
    scans: 1,
    complete,
    samples: size.width * size.height * 4,
    lossless,
    animated: frame !== null,
    firstFrame: frame,
  };
}

function* walkChunks(bytes: Uint8Array, start: number): Generator<Chunk> {
  let at = start;
  for (let i = 0; i < MAX_CHUNKS && at + 8 <= bytes.length; i++) {
    const id = String.fromCharCode(...bytes.subarray(at, at + 4));
    const length = new DataView(bytes.buffer, bytes.byteOffset + at + 4, 4).getUint32(0, true);
    const end = at + 8 + length;
    yield { id, data: bytes.subarray(at + 8, end), whole: bytes.subarray(at, end), isCut: end > bytes.length };
    at = end + (length & 1);
  }
}

function parseFrame(chunk: Chunk, canvas: Size): WebpFrame {
  const { data } = chunk;
  if (data.length < 24) throw new ScoringError("image_truncated", "WebP ends inside its first frame");
  const frame = {
    x: 2 * readUint24(data, 0),
    y: 2 * readUint24(data, 3),
    width: 1 + readUint24(data, 6),
    height: 1 + readUint24(data, 9),
    data: data.subarray(16),
  };
  if (frame.x + frame.width > canvas.width || frame.y + frame.height > canvas.height) {
    throw new ScoringError("image_corrupt", "WebP frame lies outside its canvas");
  }
  // The frame's header and its bitstream must agree: the bitstream decides what the decoder allocates.
  for (const inner of walkChunks(frame.data, 0)) {
    if (inner.id !== "VP8 " && inner.id !== "VP8L") continue;
    const size = inner.id === "VP8L" ? readLosslessSize(inner) : readLossySize(inner);
    if (size.width === frame.width && size.height === frame.height) return frame;
    throw new ScoringError("image_corrupt", "WebP frame and its picture differ in size");
  }
  throw new ScoringError(chunk.isCut ? "image_truncated" : "image_corrupt", "WebP frame without picture data");
}

function isLossless(frameData: Uint8Array): boolean {
  for (const chunk of walkChunks(frameData, 0)) if (chunk.id === "VP8L") return true;
  return false;
}

function readLossySize(chunk: Chunk): Size {
  const { data } = chunk;
  if (data.length < 10) throw new ScoringError("image_truncated", "WebP ends inside its VP8 header");
  // RFC 6386 §9.1: key frame bit, start code 9D 01 2A, then 14-bit sizes.
  if (((data[0] ?? 1) & 1) !== 0 || data[3] !== 0x9d || data[4] !== 0x01 || data[5] !== 0x2a) {
    throw new ScoringError("image_corrupt", "WebP with a bad VP8 frame header");
  }
  const width = ((data[6] ?? 0) | ((data[7] ?? 0) << 8)) & 0x3fff;
  const height = ((data[8] ?? 0) | ((data[9] ?? 0) << 8)) & 0x3fff;
  if (width === 0 || height === 0) throw new ScoringError("image_corrupt", `WebP of ${width}×${height} pixels`);
  return { width, height };
}

function readLosslessSize(chunk: Chunk): Size {
  const { data } = chunk;
  if (data.length < 5) throw new ScoringError("image_truncated", "WebP ends inside its VP8L header");
  if (data[0] !== 0x2f) throw new ScoringError("image_corrupt", "WebP with a bad VP8L signature");
  const bits = new DataView(data.buffer, data.byteOffset + 1, 4).getUint32(0, true);
  return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
}

function readUint24(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
}
