/** The golden pictures as one shape, wherever they were read from. */

import type { Box } from "../../src/model/face-finder.ts";
import { preprocessFace } from "../../src/image/preprocess.ts";
import type { DecodeAim, ImageDecoder } from "../../src/image/image-types.ts";

export interface GoldenImage {
  readonly name: string;
  readonly aim: DecodeAim;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** Of the upright pixels, lower-case hex. */
  readonly sha256: string;
  readonly faces: readonly { readonly box: Box | null; readonly pixels: Uint8Array }[];
}

/** What one picture became here, in the terms of the golden. */
export type GoldenResult = Omit<GoldenImage, "name" | "aim">;

interface GoldenFile {
  readonly images: readonly {
    readonly name: string;
    readonly width: number;
    readonly height: number;
    readonly channels: number;
    readonly sha256: string;
    readonly faces: readonly { readonly box: readonly number[] | null; readonly bytes: string }[];
  }[];
}

/** @param aim `picture` for images.json, `face` for faces.json */
export function parseGoldens(file: GoldenFile, aim: DecodeAim): readonly GoldenImage[] {
  return file.images.map((image) => ({
    ...image,
    aim,
    faces: image.faces.map(({ box, bytes }) => ({ box: box === null ? null : toBox(box), pixels: decodeBase64(bytes) })),
  }));
}

/** Decodes and preprocesses the picture that belongs to `golden`. */
export async function runGolden(golden: GoldenImage, file: Uint8Array, decoder: ImageDecoder): Promise<GoldenResult> {
  const { raster } = await decoder.decode(file, golden.aim);
  const digest = await crypto.subtle.digest("SHA-256", Uint8Array.from(raster.data));
  return {
    width: raster.width,
    height: raster.height,
    channels: raster.channels,
    sha256: Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join(""),
    faces: golden.faces.map(({ box }) => ({ box, pixels: preprocessFace(raster, box) })),
  };
}

export function decodeBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function toBox(numbers: readonly number[]): Box {
  const [x = 0, y = 0, width = 0, height = 0] = numbers;
  return { x, y, width, height };
}
