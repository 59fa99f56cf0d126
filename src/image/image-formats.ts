/** Every picture format that is decoded: how it is told, named, read and weighed. Its decoder stands in decode.ts. */

import { IMAGE_FORMAT_NAMES, type ImageFormat, type ImageHeader } from "./image-types.ts";
import { readJpegHeader, type JpegHeader } from "./jpeg/jpeg-header.ts";
import { chooseJpegReduction } from "./jpeg/jpeg-reduction.ts";
import { readPngHeader, type PngHeader } from "./png/png-header.ts";
import { readWebpHeader, type WebpHeader } from "./webp/webp-header.ts";

/** What each format's header holds. */
export interface HeaderOf {
  readonly jpeg: JpegHeader;
  readonly png: PngHeader;
  readonly webp: WebpHeader;
}

/** One format. */
export interface ImageFormatRow<Header extends ImageHeader> {
  /** Its name in messages. */
  readonly name: string;
  /** Its type as registered with IANA. */
  readonly mediaType: string;
  /** How names of such files end, the usual ending first, in lower case. */
  readonly endings: readonly string[];
  /** Bytes that every such file has, as Latin-1, each at its offset. */
  readonly magic: readonly (readonly [offset: number, bytes: string])[];
  /** @throws ScoringError `image_corrupt`, `image_truncated` */
  readHeader(bytes: Uint8Array): Header;
  /** Bytes that decoding holds at its peak, wasm and JavaScript together, the file of `fileBytes` included. */
  estimateWorkingBytes(header: ImageHeader, fileBytes: number): number;
}

/** The formats by name. */
export const IMAGE_FORMATS: { readonly [F in ImageFormat]: ImageFormatRow<HeaderOf[F]> } = {
  jpeg: {
    name: "JPEG",
    mediaType: "image/jpeg",
    endings: [".jpg", ".jpeg"],
    magic: [[0, "\xff\xd8\xff"]],
    readHeader: readJpegHeader,
    estimateWorkingBytes({ width, height, components, progressive, samples }, fileBytes) {
      const reduction = chooseJpegReduction(width, height);
      const outPixels = Math.ceil(width / reduction) * Math.ceil(height / reduction);
      // Decoder output and its upright copy; 16-bit coefficients if all scans must be held; the file's copy in wasm.
      const outBytes = outPixels * (components + Math.min(components, 3));
      return outBytes + (progressive ? 2 * samples : 0) + 2 * fileBytes;
    },
  },
  png: {
    name: "PNG",
    mediaType: "image/png",
    endings: [".png"],
    magic: [[0, "\x89PNG\r\n\x1a\n"]],
    readHeader: readPngHeader,
    estimateWorkingBytes: ({ width, height, colorType }, fileBytes) =>
      width * height * (colorType === 0 || colorType === 4 ? 1 : 3) + fileBytes,
  },
  webp: {
    name: "WebP",
    mediaType: "image/webp",
    endings: [".webp"],
    magic: [
      [0, "RIFF"],
      [8, "WEBP"],
    ],
    readHeader: readWebpHeader,
    // RGBA in wasm, its copy, the RGB result; lossless holds ARGB once more.
    estimateWorkingBytes: ({ width, height, lossless }, fileBytes) =>
      width * height * (lossless ? 15 : 11) + 2 * fileBytes,
  },
};

const rows: readonly ImageFormatRow<ImageHeader>[] = IMAGE_FORMAT_NAMES.map((name) => IMAGE_FORMATS[name]);
const names = rows.map((row) => row.name);

/** "JPEG, PNG or WebP" */
export const FORMATS_IN_WORDS = `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;

/** Media types of all formats. */
export const IMAGE_MEDIA_TYPES: readonly string[] = rows.map((row) => row.mediaType);

/** How names of pictures may end, in lower case. */
export const IMAGE_ENDINGS: readonly string[] = rows.flatMap((row) => row.endings);

/** Whether a file is a picture by its name. */
export function isPictureName(name: string): boolean {
  const lower = name.toLowerCase();
  return IMAGE_ENDINGS.some((ending) => lower.endsWith(ending));
}
