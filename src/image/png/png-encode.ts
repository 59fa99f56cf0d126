/** Writes a PNG: only what a thumbnail of raw pixels needs. */

import { concatUint8Arrays } from "uint8array-extras";
import { zlibSync } from "fflate";
import { computeCrc32 } from "./crc32.ts";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/**
 * A gray picture of 8 bits as PNG (W3C PNG, third edition): no filter, one IDAT.
 * @param pixels row-major, `width` in a row, whole rows
 */
export function encodeGrayPng(pixels: Uint8Array, width: number): Uint8Array {
  const height = pixels.length / width;
  const rows = new Uint8Array((width + 1) * height);
  for (let y = 0; y < height; y++) rows.set(pixels.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  // Bit depth; the color type 0 is gray.
  header[8] = 8;
  return concatUint8Arrays([
    Uint8Array.from(SIGNATURE),
    encodeChunk("IHDR", header),
    encodeChunk("IDAT", zlibSync(rows)),
    encodeChunk("IEND", new Uint8Array()),
  ]);
}

/** Length, type, data, checksum over type and data. */
function encodeChunk(type: string, data: Uint8Array): Uint8Array {
  const chunk = new Uint8Array(data.length + 12);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, data.length);
  chunk.set(new TextEncoder().encode(type), 4);
  chunk.set(data, 8);
  view.setUint32(data.length + 8, computeCrc32(chunk.subarray(4, data.length + 8)));
  return chunk;
}
