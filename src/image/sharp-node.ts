/** GIF, TIFF and AVIF in Node by `sharp` (libvips), an optional peer dependency: loaded when the first such picture comes. */

import type { default as Sharp, Metadata } from "sharp";
import { ScoringError } from "../errors.ts";
import type { Raster } from "../model/face-finder.ts";
import { copyUpright, swapsSides } from "./exif.ts";
import { guardSize } from "./guard-size.ts";
import type { OptionalDecoder, OptionalFormat } from "./image-types.ts";

/** What sharp calls each format; by its content, so that no other loader of a libvips takes the file. */
const NAMES: Readonly<Record<OptionalFormat, Metadata["format"]>> = {
  gif: "gif",
  tiff: "tiff",
  avif: "heif",
  heic: "heif",
};

/** Characters of libvips' complaint that a record keeps. */
const MAX_COMPLAINT = 200;

/**
 * @returns `null` where `sharp` is not installed
 * @throws ScoringError `image_unsupported` where it is installed and cannot be loaded
 */
export async function loadSharp(): Promise<OptionalDecoder | null> {
  try {
    return createSharpDecoder((await import("sharp")).default);
  } catch (cause) {
    const isMissing = cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND";
    if (isMissing) return null;
    throw new ScoringError("image_unsupported", `sharp is installed and cannot be loaded: ${shorten(cause)}`, {
      cause,
    });
  }
}

function createSharpDecoder(sharp: typeof Sharp): OptionalDecoder {
  return {
    name: `sharp@${sharp.versions.sharp}+libvips@${sharp.versions.vips}`,
    async decode(bytes, format, limits) {
      const { maxSharpPixels, maxSharpSeconds } = limits;
      // As our own decoders: color profiles and alpha are ignored, a file that ends early is refused.
      const options = { page: 0, pages: 1, ignoreIcc: true, failOn: "error", sequentialRead: true } as const;
      try {
        const header = await sharp(bytes, { ...options, limitInputPixels: false }).metadata();
        if (header.format !== NAMES[format]) throw new Error(`its content is ${header.format}`);
        guardSize({ ...header, format }, bytes.length, maxSharpPixels, limits);
        const { data, info } = await sharp(bytes, { ...options, limitInputPixels: maxSharpPixels })
          .removeAlpha()
          .toColorspace("srgb")
          .raw({ depth: "uchar" })
          .timeout({ seconds: maxSharpSeconds })
          .toBuffer({ resolveWithObject: true });
        // libheif turns a picture by its own boxes and leaves no tag.
        return turn(data, info, header.orientation ?? 1);
      } catch (error) {
        throw explain(error, format);
      }
    },
  };
}

function turn(
  data: Uint8Array,
  { width, height, channels }: { readonly width: number; readonly height: number; readonly channels: number },
  orientation: number,
): Raster {
  if (channels !== 1 && channels !== 3) throw new Error(`${channels} channels`);
  const upright = swapsSides(orientation) ? { width: height, height: width } : { width, height };
  return { ...upright, channels, data: copyUpright(data, width, height, channels, orientation) };
}

function explain(error: unknown, format: OptionalFormat): ScoringError {
  if (error instanceof ScoringError) return error;
  const complaint = `sharp: ${shorten(error)}`;
  return format === "heic"
    ? new ScoringError("image_unsupported", `HEIC, which needs libheif-js (\`npm install libheif-js\`); ${complaint}`)
    : new ScoringError("image_corrupt", complaint, { cause: error });
}

/** The first line that says something: libheif's come after those of its attempts to read on. */
function shorten(error: unknown): string {
  const lines = (error instanceof Error ? error.message : String(error)).split("\n");
  const line = lines.find((one) => one.trim() !== "" && !one.includes("bad seek")) ?? "the file cannot be decoded";
  return line.trim().slice(0, MAX_COMPLAINT);
}
