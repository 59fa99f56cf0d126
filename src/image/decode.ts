/** Bytes to upright 8-bit pixels: sniff, guard, decode. Preprocessing step 1. */

import {
  chooseFaceReduction,
  chooseJpegReduction,
  chooseSearchReduction,
  guardImage,
  readHeader,
  type AnyHeader,
} from "./guard.ts";
import { swapsSides } from "./exif.ts";
import type { DecodeAim, DecodedImage, ImageCodecs, ImageDecoder, ImageLimits } from "./image-types.ts";
import { createJpegCodec } from "./jpeg/jpeg.ts";
import { decodePng } from "./png/png.ts";
import { createWebpCodec } from "./webp/webp.ts";
import type { Raster } from "../model/face-finder.ts";

const REDUCTIONS = { picture: chooseJpegReduction, face: chooseFaceReduction, search: chooseSearchReduction } as const;

/**
 * @param codecs compiled modules from one of the seams
 * @param limits checked before anything is decoded
 */
export function createImageDecoder(codecs: ImageCodecs, limits: ImageLimits): ImageDecoder {
  const jpeg = createJpegCodec(codecs.jpeg);
  const webp = createWebpCodec(codecs.webp);
  let previous: Promise<unknown> = Promise.resolve();

  async function decodeNow(bytes: Uint8Array, aim: DecodeAim): Promise<DecodedImage> {
    const header = readHeader(bytes);
    guardImage(header, bytes.length, limits);
    const raster = await decodePixels(bytes, header, aim);
    const swaps = swapsSides(header.orientation);
    const sourceWidth = swaps ? header.height : header.width;
    const sourceHeight = swaps ? header.width : header.height;
    return { raster, sourceWidth, sourceHeight, scale: raster.width / sourceWidth, format: header.format };
  }

  function decodePixels(bytes: Uint8Array, header: AnyHeader, aim: DecodeAim): Promise<Raster> | Raster {
    if (header.format === "png") return decodePng(bytes, header);
    if (header.format === "webp") return webp.decode(bytes, header);
    const { width, height } = header;
    const denominator = REDUCTIONS[aim](width, height);
    return jpeg.decode(bytes, header, { denominator, gray: aim === "face" });
  }

  return {
    decode(bytes, aim = "picture") {
      const decoded = previous.then(() => decodeNow(bytes, aim));
      // The turn alone: what it gave would live on until the next picture.
      previous = decoded.then(
        () => undefined,
        () => undefined,
      );
      return decoded;
    },
    memoryBytes: () => jpeg.memoryBytes() + webp.memoryBytes(),
    peakMemoryBytes: () => Math.max(jpeg.peakMemoryBytes(), webp.peakMemoryBytes()),
  };
}
