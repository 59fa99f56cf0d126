/**
 * Finds the crop around a found face that the classifier expects. Aligned faces (48×48, as the classifier was trained) are put into larger canvases,
 * upright or turned, and searched; box and eyes are compared with where the face is known to be, and the classifier's accuracy through each
 * crop with that on the aligned faces. The table of docs/faces.md.
 *
 *     node scripts/measure-crop.ts --data <fer2013> [--faces 600] [--turn 30] [--model deep-emotion]
 */

import { parseArgs } from "node:util";
import { createFaceFinderNode } from "../src/backends/faces-node.ts";
import { createTfjsWasmNodeClassifier } from "../src/backends/tfjs-wasm-node.ts";
import { fitRaster } from "../src/image/letterbox.ts";
import { FACE_BYTES, FACE_SIDE } from "../src/image/preprocess.ts";
import { GRAY_48 } from "../src/model/input-form.ts";
import type { Eyes, FoundFace, Point, Raster } from "../src/model/face-finder.ts";
import { longerSide } from "../src/model/face-overlap.ts";
import { cropFace, cropUpright, cutFace } from "../src/scoring/chunk/faces.ts";
import { openDataset } from "../src/evaluation/open-dataset.ts";
import { loadModelFrom } from "./evaluation/load-model.ts";
import { cutRaster, turnRaster } from "./finder/raster-tools.ts";

const { values } = parseArgs({
  options: {
    data: { type: "string", default: process.env["COUNTENANCE_DATA"] ?? "" },
    faces: { type: "string", default: "600" },
    turn: { type: "string", default: "0" },
    model: { type: "string", default: "deep-emotion" },
  },
});
/** Face inside its canvas: 112 of 224 pixels, 48 enlarged. */
const FACE = 112;
const CANVAS = 224;

interface Sample {
  readonly canvas: Raster;
  readonly found: FoundFace & { readonly eyes: Eyes };
  readonly aligned: Uint8Array;
  readonly label: number;
}

const { model } = await loadModelFrom(values.model, null);
const classifier = await createTfjsWasmNodeClassifier(model);
const finder = await createFaceFinderNode();
const maxTurn = Number(values.turn);

/** The border's pixels are repeated outward, so that no edge betrays where the face ends; turned by an angle of its own. */
function placeFace(pixels: Uint8Array, index: number): Raster {
  const face = fitRaster({ width: FACE_SIDE, height: FACE_SIDE, channels: 1, data: pixels }, FACE);
  const offset = (FACE - CANVAS) / 2;
  const canvas = cutRaster(face, { x: offset, y: offset, width: CANVAS, height: CANVAS });
  if (maxTurn === 0) return canvas;
  const degrees = (((index * 7919) % 61) / 30 - 1) * maxTurn;
  return turnRaster(canvas, (degrees * Math.PI) / 180);
}

async function classify(faces: readonly Uint8Array[]): Promise<number[]> {
  const pixels = new Uint8Array(faces.length * FACE_BYTES);
  for (const [i, face] of faces.entries()) pixels.set(face, i * FACE_BYTES);
  const { probabilities } = await classifier.classify(pixels, faces.length);
  return faces.map((_, i) => {
    const row = [...probabilities.subarray(i * 7, i * 7 + 7)];
    return row.indexOf(Math.max(...row));
  });
}

function describe(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(3);
  return `${at(0.5)} (${at(0.25)} … ${at(0.75)})`;
}

const dataset = await openDataset(values.data, { usage: "PublicTest", limit: Number(values.faces) });
const samples: Sample[] = [];
for (let i = 0; i < dataset.count; i++) {
  const aligned = dataset.pixels.slice(i * FACE_BYTES, (i + 1) * FACE_BYTES);
  const canvas = placeFace(aligned, i);
  const [found] = await finder.find(canvas, { largestOnly: true, minFacePixels: 80 });
  if (found?.eyes === undefined) continue;
  samples.push({ canvas, found: { ...found, eyes: found.eyes }, aligned, label: dataset.truth[i] ?? 0 });
}
finder.dispose();
console.log(`${dataset.name}: ${samples.length} of ${dataset.count} faces found in their canvases`);

const middle = CANVAS / 2;
const eyesOf = ({ found: { eyes } }: Sample): Point => ({
  x: (eyes[0].x + eyes[1].x) / 2,
  y: (eyes[0].y + eyes[1].y) / 2,
});
const compare = (title: string, read: (sample: Sample, side: number) => number): void => {
  console.log(`${title}: ${describe(samples.map((sample) => read(sample, longerSide(sample.found.box))))}`);
};
compare("side of the face / longer side of the box", (_, side) => FACE / side);
compare(
  "middle above the box's, in sides of the box",
  ({ found: { box } }, side) => (box.y + box.height / 2 - middle) / side,
);
compare("middle below the eyes', in sides of the box", (sample, side) => (middle - eyesOf(sample).y) / side);
compare("middle right of the eyes', in sides of the box", (sample, side) => (middle - eyesOf(sample).x) / side);

const reference = await classify(samples.map(({ aligned }) => aligned));
const share = (isCounted: (label: number, i: number) => boolean, labels: readonly number[]): string =>
  (labels.filter(isCounted).length / samples.length).toFixed(3);
const isRight = (label: number, i: number): boolean => label === samples[i]?.label;
console.log(`aligned, without detection: accuracy ${share(isRight, reference)}`);
for (const [title, crop] of [
  ["around the box (versions 1 and 2)", ({ found }: Sample) => cropFace(found.box)],
  ["around the eyes, turned (version 3)", ({ found }: Sample) => cropUpright(found.box, found.eyes)],
] as const) {
  const labels = await classify(samples.map((sample) => cutFace(sample.canvas, crop(sample), GRAY_48)));
  const agreement = share((label, i) => label === reference[i], labels);
  console.log(`${title}: accuracy ${share(isRight, labels)}, agreement with the aligned face ${agreement}`);
}
classifier.dispose();
