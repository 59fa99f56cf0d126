/** From the file to the label: decode, preprocess, network, by kind of file. */

import sharp from "sharp";
import { createImageDecoder } from "../src/image/decode.ts";
import { loadCodecs } from "../src/image/codecs-node.ts";
import { FACE_BYTES, preprocessFace } from "../src/image/preprocess.ts";
import type { Model } from "../src/model/model.ts";
import { createFusedNodeClassifier } from "../src/backends/fused/fused-node.ts";
import { LIMITS } from "../src/scoring/limits.ts";
import { quantile, readCpuClock, runRounds } from "./timing.ts";

/** Medians in milliseconds per image. */
export interface ImageResult {
  readonly kind: string;
  readonly bytes: number;
  readonly decode: number;
  /** Decoding and preprocessing as version 2 does a face crop: straight to gray, at a reduced scale. */
  readonly reduced: number;
  readonly preprocess: number;
  readonly network: number;
  /** sharp (libvips, native): decode, gray, resize to 48×48; other pixels than ours by its own resampling. */
  readonly sharpPixels: number;
}

/** A kind of file, made from a portrait. */
interface Kind {
  readonly name: string;
  make(portrait: string): Promise<Buffer>;
}

const KINDS: readonly Kind[] = [
  { name: "JPEG 48² gray", make: (file) => sharp(file).resize(48, 48).grayscale().jpeg({ quality: 90 }).toBuffer() },
  { name: "PNG 48² gray", make: (file) => sharp(file).resize(48, 48).grayscale().png().toBuffer() },
  { name: "JPEG 224² color", make: (file) => sharp(file).resize(224, 224).jpeg({ quality: 85 }).toBuffer() },
  { name: "JPEG 1024² color", make: (file) => sharp(file).resize(1024, 1024).jpeg({ quality: 85 }).toBuffer() },
];

/** Images whose faces go into the network together. */
const BATCH = 16;

/** Times all kinds; `portraits` are paths of at least sixteen pictures. */
export async function measureImages(
  model: Model,
  portraits: readonly string[],
  seconds: number,
): Promise<ImageResult[]> {
  sharp.concurrency(1);
  const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);
  const classifier = await createFusedNodeClassifier(model);
  const faces = new Uint8Array(BATCH * FACE_BYTES);
  const results: ImageResult[] = [];
  for (const kind of KINDS) {
    const files = await Promise.all(portraits.slice(0, BATCH).map((file) => kind.make(file)));
    const rasters = await Promise.all(files.map(async (file) => (await decoder.decode(file)).raster));
    const clock = async (work: () => Promise<void>): Promise<number> => {
      const start = readCpuClock();
      await work();
      return (readCpuClock() - start) / BATCH;
    };
    const rounds = await runRounds(
      [
        {
          name: "decode",
          time: () =>
            clock(async () => {
              for (const file of files) await decoder.decode(file);
            }),
        },
        {
          name: "reduced",
          time: () =>
            clock(async () => {
              for (const file of files) preprocessFace((await decoder.decode(file, "face")).raster, null);
            }),
        },
        {
          name: "preprocess",
          time: () =>
            clock(async () => rasters.forEach((raster, i) => faces.set(preprocessFace(raster, null), i * FACE_BYTES))),
        },
        {
          name: "network",
          time: () =>
            clock(async () => {
              await classifier.classify(faces, BATCH);
            }),
        },
        {
          name: "sharp",
          time: () =>
            clock(async () => {
              for (const file of files)
                await sharp(file).grayscale().resize(48, 48, { kernel: "linear" }).raw().toBuffer();
            }),
        },
      ],
      { seconds, least: 10, warmUp: 5 },
    );
    const median = (name: string): number => quantile(rounds.get(name) ?? [], 0.5);
    results.push({
      kind: kind.name,
      bytes: Math.round(files.reduce((sum, file) => sum + file.length, 0) / files.length),
      decode: median("decode"),
      reduced: median("reduced"),
      preprocess: median("preprocess"),
      network: median("network"),
      sharpPixels: median("sharp"),
    });
  }
  classifier.dispose();
  return results;
}
