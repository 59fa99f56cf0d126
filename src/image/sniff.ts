/** What a file is, by its first bytes. Names and content types are not believed. */

import { IMAGE_FORMATS } from "./image-formats.ts";
import { IMAGE_FORMAT_NAMES, type ImageFormat, type OptionalFormat } from "./image-types.ts";

/** What the magic bytes say: a format that is decoded, or the name of what it looks like instead. */
export type Sniffed =
  | { readonly kind: "image"; readonly format: ImageFormat }
  /** `looksLike` is a noun for a message: "a GIF image", "text"; `format`: as what an optional package may decode it. */
  | { readonly kind: "other"; readonly looksLike: string; readonly format?: OptionalFormat };

/** Places in a tar header (POSIX ustar). */
const TAR_TYPE_AT = 156;
const TAR_MAGIC_AT = 257;

/** [offset, bytes as Latin-1, what it is, as what an optional package may decode it]. First match wins. */
const SIGNATURES: readonly (readonly [offset: number, magic: string, looksLike: string, format?: OptionalFormat])[] = [
  [0, "GIF87a", "a GIF image", "gif"],
  [0, "GIF89a", "a GIF image", "gif"],
  [0, "BM", "a BMP image"],
  [0, "II*\0", "a TIFF image", "tiff"],
  [0, "MM\0*", "a TIFF image", "tiff"],
  [0, "II+\0", "a BigTIFF image", "tiff"],
  [0, "MM\0+", "a BigTIFF image", "tiff"],
  [4, "ftyp", "an MP4 or QuickTime file"],
  [0, "\xff\x0a", "a JPEG XL image"],
  [0, "\0\0\0\x0cJXL ", "a JPEG XL image"],
  [0, "\0\0\0\x0cjP  ", "a JPEG 2000 image"],
  [0, "\xff\x4f\xff\x51", "a JPEG 2000 codestream"],
  [0, "8BPS", "a Photoshop document"],
  [0, "\0\0\x01\0", "an ICO image"],
  [0, "%PDF-", "a PDF document"],
  [0, "PK\x03\x04", "a ZIP archive"],
  [0, "PK\x05\x06", "an empty ZIP archive"],
  [0, "\x1f\x8b", "gzip data"],
  [0, "RIFF", "a RIFF file that is not WebP"],
  [0, "\x1aE\xdf\xa3", "a Matroska or WebM file"],
  [TAR_MAGIC_AT, "ustar", "a tar archive"],
];

/** Brands of HEIF that name the codec: `avif` and `avis`; `heic`, `heix`, `heim`, `heis`, `hevc`, `hevx`, `hevm`, `hevs`. */
const HEIF_CODEC = /^(avi[fs]|he[iv][a-z])$/;

/** How far the brands of a HEIF file are looked at: a hundred and more. */
const FTYP_SAMPLE_BYTES = 512;

/** How many bytes are looked at to call something text. */
const TEXT_SAMPLE_BYTES = 512;

/** Names the format. Reads at most the first 512 bytes. */
export function sniffFormat(bytes: Uint8Array): Sniffed {
  const format = IMAGE_FORMAT_NAMES.find((name) => {
    return IMAGE_FORMATS[name].magic.every(([offset, magic]) => startsWith(bytes, offset, magic));
  });
  if (format !== undefined) return { kind: "image", format };
  if (bytes.length === 0) return { kind: "other", looksLike: "an empty file" };
  if (isSparseTarHeader(bytes)) return { kind: "other", looksLike: "a sparse member of a tar archive" };
  const heif = sniffHeif(bytes);
  if (heif !== null) return { kind: "other", ...heif };
  for (const [offset, magic, looksLike, format] of SIGNATURES) {
    if (startsWith(bytes, offset, magic)) return { kind: "other", looksLike, ...(format && { format }) };
  }
  if (isText(bytes)) return { kind: "other", looksLike: describeText(bytes) };
  return { kind: "other", looksLike: "an unknown binary format" };
}

/**
 * HEIF by the brands of its `ftyp` box (ISO/IEC 23008-12, annex B): the major brand, then the compatible ones. `mif1` and
 * `msf1` say the structure alone, so that any of the other brands decides; where none does, HEVC is what it mostly is.
 */
function sniffHeif(bytes: Uint8Array): { readonly looksLike: string; readonly format: OptionalFormat } | null {
  if (!startsWith(bytes, 4, "ftyp") || bytes.length < 12) return null;
  const brandAt = (at: number): string => latin1(bytes.subarray(at, at + 4));
  const major = brandAt(8);
  const isStructure = /^m[is]f\d$/.test(major);
  if (!isStructure && !HEIF_CODEC.test(major)) return null;
  const end = Math.min(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0), bytes.length, FTYP_SAMPLE_BYTES);
  const brands = [major];
  if (isStructure) for (let at = 16; at + 4 <= end; at += 4) brands.push(brandAt(at));
  const codec = brands.find((brand) => HEIF_CODEC.test(brand));
  if (codec === undefined) return { looksLike: "a HEIF image", format: "heic" };
  return codec.startsWith("avi")
    ? { looksLike: "an AVIF image", format: "avif" }
    : { looksLike: "a HEIC image", format: "heic" };
}

function startsWith(bytes: Uint8Array, offset: number, magic: string): boolean {
  if (bytes.length < offset + magic.length) return false;
  for (let i = 0; i < magic.length; i++) if (bytes[offset + i] !== magic.charCodeAt(i)) return false;
  return true;
}

/** An old GNU sparse header, or the name that pax gives a sparse member. Planning hands over the header alone, so that it is named here. */
function isSparseTarHeader(bytes: Uint8Array): boolean {
  if (!startsWith(bytes, TAR_MAGIC_AT, "ustar")) return false;
  return bytes[TAR_TYPE_AT] === "S".charCodeAt(0) || latin1(bytes.subarray(0, 100)).includes("GNUSparseFile.");
}

function isText(bytes: Uint8Array): boolean {
  const end = Math.min(bytes.length, TEXT_SAMPLE_BYTES);
  for (let i = 0; i < end; i++) {
    const byte = bytes[i] ?? 0;
    const isSpace = byte === 9 || byte === 10 || byte === 12 || byte === 13;
    if ((byte < 32 && !isSpace) || byte === 127) return false;
  }
  return true;
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function describeText(bytes: Uint8Array): string {
  const start = latin1(bytes.subarray(0, 64)).trimStart().toLowerCase();
  if (start.startsWith("<svg")) return "an SVG drawing";
  if (start.startsWith("<?xml")) return "an XML document";
  if (start.startsWith("<!doctype html") || start.startsWith("<html")) return "an HTML page";
  if (start.startsWith("{") || start.startsWith("[")) return "JSON text";
  return "text";
}
