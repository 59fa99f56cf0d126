/** The values that pass between the stages of decoding. */

import type { Raster } from "../model/face-finder.ts";

/** Formats that are decoded, as image-formats.ts describes them; everything else is `image_unsupported`. */
export const IMAGE_FORMAT_NAMES = ["jpeg", "png", "webp"] as const;

/** The name of one. */
export type ImageFormat = (typeof IMAGE_FORMAT_NAMES)[number];

/** Formats that optional packages decode, where they are installed: `libheif-js` HEIC, `sharp` the others. */
export type OptionalFormat = "gif" | "tiff" | "avif" | "heic";

/** What the first bytes of a file tell, before a pixel is decoded. */
export interface ImageHeader {
  readonly format: ImageFormat;
  /** Pixels as stored, before EXIF orientation. */
  readonly width: number;
  readonly height: number;
  /** Bits a sample as stored. */
  readonly bitDepth: number;
  /** Samples a pixel as stored: 1 gray or palette, 2 gray and alpha, 3 color, 4 color and alpha, or CMYK. */
  readonly components: number;
  /** PNG's color type (0, 2, 3, 4, 6); `null` for other formats. */
  readonly colorType: number | null;
  /** Interlaced PNG; JPEG whose coefficients must all be held at once (progressive or several scans). */
  readonly progressive: boolean;
  /** EXIF orientation, 1…8. */
  readonly orientation: number;
  /** Scans of a JPEG; 1 otherwise. A file with hundreds costs hundreds of passes. */
  readonly scans: number;
  /** False if a JPEG has no end marker, a PNG no IEND, a WebP less than its RIFF size. */
  readonly complete: boolean;
  /** Samples of all components at full size, after chroma subsampling: what a progressive JPEG holds as 16-bit values. */
  readonly samples: number;
  /** VP8L, or a VP8X file whose first frame is VP8L: the decoder holds the picture once more. */
  readonly lossless: boolean;
  /** Animated WebP or PNG; only the first frame is decoded. */
  readonly animated: boolean;
}

/** Bounds on one image, checked before decoding. Each protects the isolate's 128 MB or its CPU time. */
export interface ImageLimits {
  /** Largest encoded file. */
  readonly maxBytes: number;
  /** Largest picture by format, in pixels as stored. */
  readonly maxPixels: Readonly<Record<ImageFormat, number>>;
  /** Largest side: keeps every product of two sides and a channel count inside 32 bits. */
  readonly maxSide: number;
  /** Largest estimate of {@link estimateWorkingBytes}. */
  readonly maxWorkingBytes: number;
  /** Most scans of a JPEG: each is a pass over all coefficients, and a scan costs few bytes to write. */
  readonly maxScans: number;
  /** Largest picture that `sharp` decodes, in pixels as stored. */
  readonly maxSharpPixels: number;
  /** Seconds that `sharp` may take for one picture. */
  readonly maxSharpSeconds: number;
  /** Largest picture that `libheif-js` decodes, in pixels as stored, and the largest part of a file that it decodes on the way. */
  readonly maxHeifPixels: number;
  /** Bytes of pixels that `libheif-js` may hold at once. */
  readonly maxHeifBytes: number;
  /** Seconds that `libheif-js` may take for one picture. */
  readonly maxHeifSeconds: number;
}

/**
 * What of a picture is wanted. `picture`: all of it, in color, as faces are found and cut out of it. `face`: it is one face
 * crop and only its 48×48 gray bytes matter, so that a JPEG is decoded straight to gray and at a reduced scale
 * (preprocessing version 2; other formats as before). `search`: a JPEG in which faces are searched no finer than in 512 pixels
 * is decoded at a scale that keeps them (version 3).
 */
export type DecodeAim = "picture" | "face" | "search";

/** A decoded picture, upright. */
export interface DecodedImage {
  readonly raster: Raster;
  /** Width in pixels of the file's picture after EXIF orientation, at full size. */
  readonly sourceWidth: number;
  readonly sourceHeight: number;
  /** `raster.width / sourceWidth`: 1, or less where a JPEG was decoded at a reduced scale. */
  readonly scale: number;
  readonly format: ImageFormat | OptionalFormat;
  /** What decoded it, as records name it: {@link OptionalDecoder.name}; `null`: the decoders of this package. */
  readonly decoder: string | null;
}

/** An optional package, which decodes what this package has no decoder for. */
export interface OptionalDecoder {
  /** The package and its version: `sharp@0.35.5+libvips@8.18.7`, `libheif-js@1.23.2`. */
  readonly name: string;
  /**
   * @returns upright gray or RGB, alpha ignored, 16 bits cut to the high byte; the first frame or page
   * @throws ScoringError `object_too_large`, `image_unsupported`, `image_corrupt`, `image_too_many_pixels`
   */
  decode(bytes: Uint8Array, format: OptionalFormat, limits: ImageLimits): Promise<Raster>;
}

/** Compiled codecs; the seams (`codecs-workerd`, `codecs-node`, `codecs-browser`) each bring them their own way. */
export interface ImageCodecs {
  /** `@cwasm/jpeg-turbo`: libjpeg-turbo. */
  readonly jpeg: WebAssembly.Module;
  /** `@jsquash/webp`, decoder: libwebp. */
  readonly webp: WebAssembly.Module;
}

/** Turns bytes into pixels. One decode at a time: calls queue up, so that two pictures are never in memory together. */
export interface ImageDecoder {
  /**
   * @param aim `picture` by default
   * @throws ScoringError `object_empty`, `object_too_large`, `image_unsupported`, `image_corrupt`, `image_truncated`,
   * `image_too_many_pixels`
   */
  decode(bytes: Uint8Array, aim?: DecodeAim): Promise<DecodedImage>;
  /** Bytes of wasm memory held now, over all codecs. */
  memoryBytes(): number;
  /** The most wasm memory that any one decode has needed so far: large instances are dropped behind their picture. */
  peakMemoryBytes(): number;
}
