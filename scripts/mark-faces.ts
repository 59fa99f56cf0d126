/**
 * Marks the faces of the pictures that the detection benchmark is composed of, in test/golden/marked-faces.json: box and eyes of every face by
 * the face mesh of `@vladmandic/human` (468 points), which is not part of any detector that is measured. Where to look is written down below
 * for the group photographs and is the whole picture for the portraits; the result was looked at face by face.
 *
 *     node scripts/mark-faces.ts
 */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import { startTfjsWasmNode } from "../src/backends/tfjs-wasm-node.ts";
import { resizeRgb } from "../src/image/letterbox.ts";
import type { Box, Raster } from "../src/model/face-finder.ts";
import type { MarkedFace } from "./finder/compose.ts";
import { cutRaster } from "./finder/raster-tools.ts";
import { createSourceReader, listSources } from "./finder/sources.ts";

/** The mesh's input, pixels each way. */
const SIDE = 192;
/** Side of the square that the mesh sees, over the longer side of the face. */
const CONTEXT = 1.5;
/** Corners and lids of the right and of the left eye among the points. */
const EYES = [
  [33, 133, 159, 145],
  [263, 362, 386, 374],
] as const;
/** Middle and side of a square around each face of the group photographs, in pixels. */
const GROUP_FACES: Readonly<Record<string, readonly (readonly [number, number, number])[]>> = {
  "sample1.jpg": [
    [502, 516, 378],
    [939, 550, 415],
    [1576, 336, 413],
  ],
  "sample2.jpg": [
    [419, 291, 355],
    [970, 381, 329],
    [1543, 303, 419],
  ],
  "sample3.jpg": [
    [691, 498, 424],
    [1175, 382, 424],
    [1588, 459, 401],
  ],
  "sample4.jpg": [
    [328, 354, 292],
    [744, 219, 415],
    [1064, 317, 385],
    [1347, 304, 353],
  ],
  "sample5.jpg": [
    [464, 1060, 424],
    [682, 578, 328],
    [859, 246, 318],
    [1193, 349, 364],
    [1510, 573, 390],
  ],
  "sample6.jpg": [
    [358, 660, 450],
    [787, 522, 397],
    [1261, 484, 409],
    [1586, 443, 441],
  ],
};
/** Where a portrait's face is looked for: all of its 128 pixels and 8 more on each side. */
const WHOLE_PORTRAIT = [64, 64, 144] as const;
/** Likewise for the portraits whose face the mesh does not find from the whole picture. */
const PORTRAIT_FACES: Readonly<Record<string, readonly [number, number, number]>> = {
  "faces/female/12.jpg": [52, 32, 82],
  "faces/female/16.jpg": [72, 57, 83],
  "faces/female/18.jpg": [61, 50, 68],
  "faces/female/20.jpg": [62, 37, 60],
  "faces/female/23.jpg": [84, 44, 60],
  "faces/female/25.jpg": [56, 49, 68],
  "faces/female/27.jpg": [64, 57, 75],
  "faces/female/31.jpg": [77, 39, 53],
  "faces/female/6.jpg": [65, 62, 68],
  "faces/male/13.jpg": [45, 46, 68],
  "faces/male/16.jpg": [78, 28, 75],
  "faces/male/18.jpg": [62, 46, 90],
  "faces/male/2.jpg": [62, 36, 60],
  "faces/male/21.jpg": [66, 34, 60],
  "faces/male/24.jpg": [63, 53, 75],
  "faces/male/25.jpg": [70, 44, 60],
  "faces/male/26.jpg": [57, 51, 60],
  "faces/male/27.jpg": [62, 44, 63],
  "faces/male/29.jpg": [80, 54, 75],
  "faces/male/3.jpg": [104, 44, 53],
  "faces/male/32.jpg": [63, 66, 58],
  "faces/male/33.jpg": [57, 51, 57],
  "faces/male/34.jpg": [89, 50, 90],
  "faces/male/37.jpg": [62, 63, 83],
  "faces/male/38.jpg": [85, 50, 90],
  "faces/male/40.jpg": [53, 38, 68],
  "faces/male/41.jpg": [60, 45, 75],
  "faces/male/42.jpg": [52, 35, 68],
};

const models = join(import.meta.dirname, "../node_modules/@vladmandic/human/models");
await startTfjsWasmNode();
await tf.setBackend("wasm");
const { modelTopology, weightsManifest, format } = JSON.parse(await readFile(join(models, "facemesh.json"), "utf8"));
const weightData = Uint8Array.from(await readFile(join(models, "facemesh.bin"))).buffer;
const mesh = await loadGraphModel({
  load: async () => ({ modelTopology, weightSpecs: weightsManifest[0].weights, weightData, format }),
});

/** Box of the mesh's points and the eyes, both in pixels of `picture`. */
async function mark(picture: Raster, around: Box): Promise<MarkedFace> {
  const cut = cutRaster(picture, around);
  const rgb = Float32Array.from(resizeRgb(cut, SIDE, SIDE), (value) => value / 255);
  const input = tf.tensor4d(rgb, [1, SIDE, SIDE, 3]);
  const output = mesh.execute(input, "Identity_2:0");
  if (Array.isArray(output)) throw new Error("the mesh gives one tensor");
  const values = await output.data();
  tf.dispose([input, output]);
  const scale = cut.width / SIDE;
  const x = (point: number): number => Math.round(around.x) + (values[3 * point] ?? 0) * scale;
  const y = (point: number): number => Math.round(around.y) + (values[3 * point + 1] ?? 0) * scale;
  const points = Array.from({ length: values.length / 3 }, (_, point) => [x(point), y(point)] as const);
  const left = Math.min(...points.map((point) => point[0]));
  const top = Math.min(...points.map((point) => point[1]));
  const box = {
    x: left,
    y: top,
    width: Math.max(...points.map((point) => point[0])) - left,
    height: Math.max(...points.map((point) => point[1])) - top,
  };
  const eyes = EYES.map((eye) => ({ x: mean(eye.map(x)), y: mean(eye.map(y)) }));
  return { box, eyes: [eyes[0]!, eyes[1]!] };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Square around a box for the next look. */
function widen({ x, y, width, height }: Box): Box {
  const side = Math.max(width, height) * CONTEXT;
  return { x: x + width / 2 - side / 2, y: y + height / 2 - side / 2, width: side, height: side };
}

/** @param middle of a square around the face, and its side */
async function markFrom(picture: Raster, [x, y, side]: readonly [number, number, number]): Promise<MarkedFace> {
  const first = await mark(picture, { x: x - side / 2, y: y - side / 2, width: side, height: side });
  return mark(picture, widen(first.box));
}

const read = await createSourceReader();
const { portraits, groups } = await listSources();
const marked: Record<string, MarkedFace[]> = {};
for (const name of portraits) {
  const picture = await read(name);
  marked[name] = [await markFrom(picture, PORTRAIT_FACES[name] ?? WHOLE_PORTRAIT)];
}
for (const name of groups) {
  const picture = await read(name);
  marked[name] = [];
  for (const start of GROUP_FACES[name] ?? []) marked[name].push(await markFrom(picture, start));
}
const round = (_: string, value: unknown): unknown => (typeof value === "number" ? Math.round(value * 10) / 10 : value);
const lines = Object.entries(marked).map(
  ([name, faces]) => `  ${JSON.stringify(name)}: ${JSON.stringify(faces, round)}`,
);
await writeFile(join(import.meta.dirname, "../test/golden/marked-faces.json"), `{\n${lines.join(",\n")}\n}\n`);
