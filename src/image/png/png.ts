/**
 * PNG, row by row (W3C PNG, third edition).
 *
 * Written out rather than taken from `@jsquash/png`, which holds the picture three times (RGBA in wasm, its copy, and
 * the colors without alpha): here the inflated bytes pass through a window of 32 KB, and only the result is held.
 */

import { Unzlib, unzlibSync } from "fflate";
import { ScoringError } from "../../errors.ts";
import type { Raster } from "../../model/face-finder.ts";
import { computeCrc32 } from "./crc32.ts";
import { planPlacement } from "../exif.ts";
import type { ImageHeader } from "../image-types.ts";
import { createRowReader, type RowReader } from "./png-rows.ts";

const IDAT = 0x49444154;
const IEND = 0x49454e44;
const PLTE = 0x504c5445;
/** Compressed bytes inflated at a time: zlib grows data at most 1,032-fold, so at most 8.5 MB appear at once. */
const SLICE_BYTES = 8 * 1024;
/** Pictures that inflate to at most this much, from one chunk, are inflated in one piece: faster, and still small. */
const ONE_PIECE_BYTES = 1024 * 1024;
/**
 * Most bytes that their chunk may have: inflating in one piece does not stop at the last row, so that a picture of
 * one pixel followed by gigabytes of zeros would take a minute. This many bytes take half a second.
 */
const ONE_PIECE_PACKED_BYTES = 256 * 1024;

/**
 * @returns upright pixels: 1 channel for gray and gray with alpha, 3 for palette and color; alpha ignored, 16 bits cut to the high
 * byte, the default image of an animation
 * @throws ScoringError `image_truncated`, `image_corrupt`
 */
export function decodePng(bytes: Uint8Array, header: ImageHeader): Raster {
  const channels = header.colorType === 0 || header.colorType === 4 ? 1 : 3;
  const data = new Uint8Array(header.width * header.height * channels);
  let rows: RowReader | null = null;
  let palette: Uint8Array | null = null;
  let inflater: Unzlib | null = null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

  let at = 8;
  while (at + 12 <= bytes.length && !rows?.isDone()) {
    const length = view.getUint32(at);
    const type = view.getUint32(at + 4);
    const end = at + 12 + length;
    if (end > bytes.length) break;
    // The checksum covers the chunk's type and data.
    if (computeCrc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) {
      throw new ScoringError("image_corrupt", `PNG chunk at byte ${at} does not match its checksum`);
    }
    if (type === IEND) throw new ScoringError("image_corrupt", "PNG ends before its last row");
    if (type === PLTE) palette = bytes.subarray(at + 8, end - 4);
    if (type === IDAT) {
      if (header.colorType === 3 && palette === null) throw new ScoringError("image_corrupt", "PNG without a palette");
      const isFirst = rows === null;
      rows ??= createRowReader(header, palette, data, channels);
      const packed = bytes.subarray(at + 8, end - 4);
      const rawBytes = countRawBytes(header);
      const isOnly = isFirst && (end + 8 > bytes.length || view.getUint32(end + 4) !== IDAT);
      const isSmall = rawBytes <= ONE_PIECE_BYTES && packed.length <= ONE_PIECE_PACKED_BYTES;
      const raw = isOnly && isSmall ? inflateWhole(packed, rawBytes) : null;
      if (raw !== null) rows.write(raw);
      else {
        inflater ??= new Unzlib((chunk) => rows?.write(chunk));
        inflateInto(inflater, packed, rows);
      }
    }
    at = end;
  }
  if (!rows?.isDone()) throw new ScoringError("image_truncated", "PNG ends before its last row");
  const { width, height } = planPlacement(header.width, header.height, header.orientation);
  return { width, height, channels, data };
}

/** Bytes after inflating: every row has one more for its filter. Interlaced pictures are left to the slices. */
function countRawBytes(header: ImageHeader): number {
  if (header.progressive) return Infinity;
  return header.height * (1 + Math.ceil((header.width * header.components * header.bitDepth) / 8));
}

/** `null` where that fails: damaged, or more data than the picture needs. The slices, which stop at the last row, find out which. */
function inflateWhole(data: Uint8Array, rawBytes: number): Uint8Array | null {
  try {
    // The array bounds what a hostile stream can write: nothing grows.
    return unzlibSync(data, { out: new Uint8Array(rawBytes) });
  } catch {
    return null;
  }
}

function inflateInto(inflater: Unzlib, data: Uint8Array, rows: RowReader): void {
  try {
    for (let at = 0; at < data.length && !rows.isDone(); at += SLICE_BYTES) {
      inflater.push(data.subarray(at, at + SLICE_BYTES));
    }
  } catch (error) {
    if (error instanceof ScoringError) throw error;
    throw new ScoringError("image_corrupt", "PNG data cannot be inflated", { cause: error });
  }
}
