/** Bytes to upright 8-bit pixels: sniff, guard, decode. Preprocessing step 1. */

import { guardImage, identifyImage } from "./guard.ts";
import { swapsSides } from "./exif.ts";
import { IMAGE_FORMATS, type HeaderOf } from "./image-formats.ts";
import type {
  DecodeAim,
  DecodedImage,
  ImageCodecs,
  ImageDecoder,
  ImageFormat,
  ImageLimits,
  OptionalDecoder,
  OptionalFormat,
} from "./image-types.ts";
import { createJpegCodec } from "./jpeg/jpeg.ts";
import { chooseReduction } from "./jpeg/jpeg-reduction.ts";
import { decodePng } from "./png/png.ts";
import { sniffFormat } from "./sniff.ts";
import { createWebpCodec } from "./webp/webp.ts";
import type { Raster } from "../model/face-finder.ts";

/** A format's decoder, with the wasm memory that it holds. */
interface FormatDecoder<Header> {
  /** @returns upright gray or RGB */
  decode(bytes: Uint8Array, header: Header, aim: DecodeAim): Promise<Raster> | Raster;
  memoryBytes(): number;
  peakMemoryBytes(): number;
}

type FormatDecoders = { readonly [F in ImageFormat]: FormatDecoder<HeaderOf[F]> };

function createFormatDecoders(codecs: ImageCodecs): FormatDecoders {
  const jpeg = createJpegCodec(codecs.jpeg);
  return {
    jpeg: {
      ...jpeg,
      decode(bytes, header, aim) {
        const denominator = chooseReduction(aim, header.width, header.height);
        return jpeg.decode(bytes, header, { denominator, gray: aim === "face" });
      },
    },
    png: { decode: decodePng, memoryBytes: () => 0, peakMemoryBytes: () => 0 },
    webp: createWebpCodec(codecs.webp),
  };
}

/**
 * @param codecs compiled modules from one of the seams
 * @param limits checked before anything is decoded
 * @param loadOptional gives what decodes a format that has no decoder here, if it is there; called at the first such picture alone
 */
export function createImageDecoder(
  codecs: ImageCodecs,
  limits: ImageLimits,
  loadOptional: (format: OptionalFormat) => Promise<OptionalDecoder | null> = async () => null,
): ImageDecoder {
  const decoders = createFormatDecoders(codecs);
  const all: readonly Pick<ImageDecoder, "memoryBytes" | "peakMemoryBytes">[] = Object.values(decoders);
  let previous: Promise<unknown> = Promise.resolve();
  const loaded = new Map<OptionalFormat, Promise<OptionalDecoder | null>>();

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- keeps a format's header and its decoder together
  async function decodeAs<F extends ImageFormat>(format: F, bytes: Uint8Array, aim: DecodeAim): Promise<DecodedImage> {
    const header = IMAGE_FORMATS[format].readHeader(bytes);
    guardImage(header, bytes.length, limits);
    const raster = await decoders[format].decode(bytes, header, aim);
    const swaps = swapsSides(header.orientation);
    const sourceWidth = swaps ? header.height : header.width;
    const sourceHeight = swaps ? header.width : header.height;
    return { raster, sourceWidth, sourceHeight, scale: raster.width / sourceWidth, format, decoder: null };
  }

  async function decodeByOther(format: OptionalFormat, bytes: Uint8Array): Promise<DecodedImage | null> {
    const loading = loaded.get(format) ?? loadOptional(format);
    loaded.set(format, loading);
    const other = await loading;
    if (other === null) return null;
    const raster = await other.decode(bytes, format, limits);
    return { raster, sourceWidth: raster.width, sourceHeight: raster.height, scale: 1, format, decoder: other.name };
  }

  async function decodeAny(bytes: Uint8Array, aim: DecodeAim): Promise<DecodedImage> {
    const sniffed = sniffFormat(bytes);
    const foreign = sniffed.kind === "other" && sniffed.format ? await decodeByOther(sniffed.format, bytes) : null;
    return foreign ?? decodeAs(identifyImage(bytes), bytes, aim);
  }

  return {
    decode(bytes, aim = "picture") {
      const decoded = previous.then(() => decodeAny(bytes, aim));
      // The turn alone: what it gave would live on until the next picture.
      previous = decoded.then(
        () => undefined,
        () => undefined,
      );
      return decoded;
    },
    memoryBytes: () => all.reduce((sum, one) => sum + one.memoryBytes(), 0),
    peakMemoryBytes: () => Math.max(...all.map((one) => one.peakMemoryBytes())),
  };
}
