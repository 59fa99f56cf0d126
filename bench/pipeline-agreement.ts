/**
 * `node pipeline-agreement.ts --data <fer2013>`: how often preprocessing version 2 gives version 1's label, by the shorter
 * side that it keeps. FER2013 has 48² faces only: each is enlarged, takes the color of a portrait, and becomes a JPEG.
 */

import { parseArgs } from "node:util";
import sharp from "sharp";
import { openDataset } from "../src/evaluation/open-dataset.ts";
import { createFusedNodeClassifier } from "../src/backends/fused/fused-node.ts";
import { listFolderModels } from "../src/backends/models-node.ts";
import { loadCodecs } from "../src/image/codecs-node.ts";
import { readJpegHeader } from "../src/image/jpeg/jpeg-header.ts";
import { createJpegCodec } from "../src/image/jpeg/jpeg.ts";
import { FACE_BYTES, FACE_SIDE, preprocessFace } from "../src/image/preprocess.ts";
import type { Classifier } from "../src/model/classifier.ts";
import { createRegistry } from "../src/model/registry.ts";
import { listPortraits } from "./portraits.ts";

/** Shorter sides that a candidate keeps at least; the last never reduces and shows what gray alone changes. */
const KEPT_SIDES = [48, 72, 96, 144, 192, Infinity];
const SIDES = [112, 160, 224, 320, 512, 1024];

/** One gray face as a color JPEG: its own luma (JFIF's weights), the chroma of `portrait`. */
async function encodeFace(face: Uint8Array, portrait: string, side: number): Promise<Buffer> {
  const raw = { width: FACE_SIDE, height: FACE_SIDE, channels: 1 } as const;
  const luma = await sharp(face, { raw }).resize(side, side, { kernel: "cubic" }).raw().toBuffer();
  const color = await sharp(portrait).resize(side, side).removeAlpha().raw().toBuffer();
  const step = luma.length / (side * side);
  for (let i = 0; i < side * side; i++) {
    const [red = 0, green = 0, blue = 0] = color.subarray(3 * i, 3 * i + 3);
    const own = 0.299 * red + 0.587 * green + 0.114 * blue;
    const shift = luma[i * step]! - own;
    for (let c = 0; c < 3; c++) color[3 * i + c] = Math.max(0, Math.min(255, Math.round(color[3 * i + c]! + shift)));
  }
  return sharp(color, { raw: { width: side, height: side, channels: 3 } })
    .jpeg({ quality: 85 })
    .toBuffer();
}

async function labelFaces(classifier: Classifier, faces: Uint8Array): Promise<{ label: number; top: number }[]> {
  const { batchSize } = classifier;
  const labels = [];
  for (let first = 0; first * FACE_BYTES < faces.length; first += batchSize) {
    const part = faces.subarray(first * FACE_BYTES, (first + batchSize) * FACE_BYTES);
    const count = part.length / FACE_BYTES;
    const { probabilities } = await classifier.classify(part, count);
    for (let row = 0; row < count; row++) {
      const own = probabilities.subarray(row * 7, row * 7 + 7);
      const top = Math.max(...own);
      labels.push({ label: own.indexOf(top), top });
    }
  }
  return labels;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      data: { type: "string" },
      model: { type: "string", default: "deep-emotion" },
      limit: { type: "string", default: "3589" },
    },
  });
  if (values.data === undefined) throw new Error("--data <fer2013.csv or folder of sheets>");
  const registry = createRegistry(await listFolderModels());
  const id = registry.resolve(values.model);
  const classifier = await createFusedNodeClassifier(await registry.load(id));
  const dataset = await openDataset(values.data, { usage: "PublicTest", limit: Number(values.limit) });
  const portraits = await listPortraits();
  const codec = createJpegCodec((await loadCodecs()).jpeg);
  process.stdout.write(`${id}, ${dataset.name}, ${dataset.count} faces, agreement with version 1 (largest Δp)\n\n`);
  process.stdout.write(`| side | ${KEPT_SIDES.map((kept) => `≥ ${kept}`).join(" | ")} |\n`);
  process.stdout.write(`| ---: |${" ---: |".repeat(KEPT_SIDES.length)}\n`);
  for (const side of SIDES) {
    const decodings = [null, ...KEPT_SIDES];
    const faces = decodings.map(() => new Uint8Array(dataset.count * FACE_BYTES));
    for (let i = 0; i < dataset.count; i++) {
      const face = dataset.pixels.subarray(i * FACE_BYTES, (i + 1) * FACE_BYTES);
      const file = await encodeFace(face, portraits[i % portraits.length]!, side);
      const header = readJpegHeader(file);
      for (const [k, kept] of decodings.entries()) {
        const room = kept === null ? 1 : Math.floor(side / kept);
        const denominator = ([8, 4, 2] as const).find((d) => d <= room) ?? 1;
        const raster = await codec.decode(file, header, { denominator, gray: kept !== null });
        faces[k]!.set(preprocessFace(raster, null), i * FACE_BYTES);
      }
    }
    const [before = [], ...candidates] = await Promise.all(faces.map((one) => labelFaces(classifier, one)));
    const cells = candidates.map((after) => {
      const same = after.filter(({ label }, i) => label === before[i]!.label).length;
      const shift = Math.max(...after.map(({ top }, i) => Math.abs(top - before[i]!.top)));
      return `${((100 * same) / after.length).toFixed(2)} % (${shift.toFixed(3)})`;
    });
    process.stdout.write(`| ${side}² | ${cells.join(" | ")} |\n`);
  }
  classifier.dispose();
}

await main();
