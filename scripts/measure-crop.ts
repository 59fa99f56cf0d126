/**
 * Finds the crop around a detector's box that the classifier expects, in two ways:
 *
 * 1. Aligned faces (48×48, as the classifier was trained) are put into larger canvases, searched, and the found box is compared
 *    with where the face is known to be: the crop is the transform from box to face.
 * 2. For crops around that one, the accuracy through detection on those faces, and the mean top-1 margin on the
 *    portraits of `tabler-ui`.
 *
 *     node scripts/measure-crop.ts --data <fer2013> [--faces 1500]
 */

import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { createFaceFinderNode } from "../src/backends/faces-node.ts";
import { createTfjsWasmNodeClassifier } from "../src/backends/tfjs-wasm-node.ts";
import { loadCodecs } from "../src/image/codecs-node.ts";
import { createImageDecoder } from "../src/image/decode.ts";
import { fitRaster } from "../src/image/letterbox.ts";
import { FACE_BYTES, FACE_SIDE, preprocessFace } from "../src/image/preprocess.ts";
import type { Box, Raster } from "../src/model/face-finder.ts";
import { LIMITS } from "../src/scoring/limits.ts";
import { openDataset } from "./evaluation/open-dataset.ts";
import { loadModelFrom } from "./evaluation/load-model.ts";

const { values } = parseArgs({
  options: {
    data: { type: "string", default: process.env["COUNTENANCE_DATA"] ?? "" },
    faces: { type: "string", default: "1500" },
    model: { type: "string", default: "deep-emotion" },
    "min-score": { type: "string", default: "0.4" },
  },
});
/** Face inside its canvas: 112 of 224 pixels, 48 enlarged. */
const FACE = 112;
const CANVAS = 224;

interface Sample {
  readonly canvas: Raster;
  readonly face: Box;
  readonly found: Box;
  readonly aligned: Uint8Array;
  readonly label: number;
}

const { model } = await loadModelFrom(values.model, null);
const classifier = await createTfjsWasmNodeClassifier(model);
const finder = await createFaceFinderNode();
const minScore = Number(values["min-score"]);

/** The border's pixels are repeated outward, so that no edge betrays where the face ends. */
function placeFace(pixels: Uint8Array): { canvas: Raster; face: Box } {
  const small = { width: FACE_SIDE, height: FACE_SIDE, channels: 1 as const, data: pixels };
  const large = fitRaster(small, FACE);
  const offset = (CANVAS - FACE) / 2;
  const data = new Uint8Array(CANVAS * CANVAS * 3);
  for (let y = 0; y < CANVAS; y++) {
    const row = Math.min(FACE - 1, Math.max(0, y - offset));
    for (let x = 0; x < CANVAS; x++) {
      const column = Math.min(FACE - 1, Math.max(0, x - offset));
      const from = (row * FACE + column) * 3;
      data.set(large.data.subarray(from, from + 3), (y * CANVAS + x) * 3);
    }
  }
  const canvas = { width: CANVAS, height: CANVAS, channels: 3 as const, data };
  return { canvas, face: { x: offset, y: offset, width: FACE, height: FACE } };
}

function cropBox(box: Box, size: number, down: number): Box {
  const side = Math.max(box.width, box.height) * size;
  const centreY = box.y + box.height * (0.5 + down);
  return { x: box.x + box.width / 2 - side / 2, y: centreY - side / 2, width: side, height: side };
}

async function score(faces: readonly Uint8Array[]): Promise<{ top: number; margin: number }[]> {
  const pixels = new Uint8Array(faces.length * FACE_BYTES);
  for (const [i, face] of faces.entries()) pixels.set(face, i * FACE_BYTES);
  const { probabilities } = await classifier.classify(pixels, faces.length);
  return faces.map((_, i) => {
    const row = [...probabilities.subarray(i * 7, i * 7 + 7)];
    const sorted = row.toSorted((a, b) => b - a);
    return { top: row.indexOf(sorted[0] ?? 0), margin: (sorted[0] ?? 0) - (sorted[1] ?? 0) };
  });
}

function mean(list: readonly { margin: number }[]): string {
  return (list.reduce((sum, { margin }) => sum + margin, 0) / list.length).toFixed(3);
}

function describe(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(3);
  return `median ${at(0.5)} (quartiles ${at(0.25)} … ${at(0.75)})`;
}

const dataset = await openDataset(values.data, { usage: "PublicTest", limit: Number(values.faces) });
const samples: Sample[] = [];
let seen = 0;
for (; seen < dataset.count; seen++) {
  const aligned = dataset.pixels.subarray(seen * FACE_BYTES, (seen + 1) * FACE_BYTES);
  const { canvas, face } = placeFace(aligned);
  const [found] = await finder.find(canvas, { minScore });
  if (found !== undefined) samples.push({ canvas, face, found: found.box, aligned, label: dataset.truth[seen] ?? 0 });
}
console.log(`${dataset.name}: ${samples.length} of ${seen} faces found in their canvases (score ≥ ${minScore})`);
const centre = (box: Box): readonly [number, number] => [box.x + box.width / 2, box.y + box.height / 2];
const compare = (read: (sample: Sample) => number): string => describe(samples.map(read));
const size = (sample: Sample): number => sample.face.width / Math.max(sample.found.width, sample.found.height);
console.log(`side of the face / longer side of the box: ${compare(size)}`);
console.log(`width / height of the box: ${compare(({ found }) => found.width / found.height)}`);
const down = ({ face, found }: Sample): number => (centre(face)[1] - centre(found)[1]) / found.height;
console.log(`shift down, heights of the box: ${compare(down)}`);
const right = ({ face, found }: Sample): number => (centre(face)[0] - centre(found)[0]) / found.width;
console.log(`shift right, widths of the box: ${compare(right)}`);

const require = createRequire(import.meta.url);
const folder = join(dirname(require.resolve("tabler-ui/package.json")), "dist/demo/faces");
const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);
const portraits: { raster: Raster; found: Box }[] = [];
for (const sex of ["female", "male"]) {
  for (const name of (await readdir(join(folder, sex))).filter((file) => file.endsWith(".jpg"))) {
    const { raster } = await decoder.decode(await readFile(join(folder, sex, name)));
    const [found] = await finder.find(raster, { minScore });
    if (found !== undefined) portraits.push({ raster, found: found.box });
  }
}

const alignedScores = await score(samples.map(({ aligned }) => aligned));
const isRight = (top: number, i: number): boolean => top === samples[i]?.label;
const share = (count: number, of: number): string => (count / of).toFixed(4);
const right0 = alignedScores.filter(({ top }, i) => isRight(top, i)).length;
console.log(`\naligned, without detection: accuracy ${share(right0, samples.length)} on these faces`);
console.log("size  shift  accuracy  agreement with aligned  mean margin: faces, portraits");
for (const crop of [0.85, 0.9, 0.95, 1, 1.05, 1.2]) {
  for (const shift of [-0.16, -0.13, -0.1, -0.07, 0]) {
    const scores = await score(samples.map(({ canvas, found }) => preprocessFace(canvas, cropBox(found, crop, shift))));
    const correct = scores.filter(({ top }, i) => isRight(top, i)).length;
    const same = scores.filter(({ top }, i) => top === alignedScores[i]?.top).length;
    const seenPortraits = await score(
      portraits.map(({ raster, found }) => preprocessFace(raster, cropBox(found, crop, shift))),
    );
    const figures = [share(correct, samples.length), share(same, samples.length), mean(scores), mean(seenPortraits)];
    console.log(`${crop.toFixed(2)}  ${shift.toFixed(2).padStart(5)}  ${figures.join("  ")}`);
  }
}
classifier.dispose();
finder.dispose();
