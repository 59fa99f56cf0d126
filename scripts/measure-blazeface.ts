/**
 * The second detector considered: BlazeFace of `@vladmandic/human`, on the same pictures, engine and resizing as the one that
 * ships. Whole pictures and overlapping tiles, since its input is fixed at 256 pixels.
 *
 *     node scripts/measure-blazeface.ts
 */

import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import { createFaceFinderNode } from "../src/backends/faces-node.ts";
import { loadCodecs } from "../src/image/codecs-node.ts";
import { createImageDecoder } from "../src/image/decode.ts";
import { fitRaster, padRgb } from "../src/image/letterbox.ts";
import { measureOverlap, suppressOverlaps } from "../src/model/face-grid.ts";
import type { FoundFace, Raster } from "../src/model/face-finder.ts";
import { LIMITS } from "../src/scoring/limits.ts";

const SIZE = 256;
const require = createRequire(import.meta.url);
const human = join(import.meta.dirname, "../node_modules/@vladmandic/human");
const tabler = dirname(require.resolve("tabler-ui/package.json"));
const faceApi = dirname(require.resolve("@vladmandic/face-api/package.json"));
const finder = await createFaceFinderNode();
const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);

const json = JSON.parse(await readFile(join(human, "models/blazeface.json"), "utf8"));
const weights = await readFile(join(human, "models/blazeface.bin"));
const model = await loadGraphModel({
  load: async () => ({
    modelTopology: json.modelTopology,
    weightSpecs: json.weightsManifest[0].weights,
    weightData: Uint8Array.from(weights).buffer,
    signature: json.userDefinedMetadata?.signature,
    format: json.format,
  }),
});

/** Two anchors a cell of 16 pixels, then six a cell of 32. */
const anchors: [number, number][] = [];
for (const [stride, count] of [
  [16, 2],
  [32, 6],
] as const) {
  for (let y = stride / 2; y < SIZE; y += stride) {
    for (let x = stride / 2; x < SIZE; x += stride) for (let i = 0; i < count; i++) anchors.push([x, y]);
  }
}

async function search(picture: Raster, minScore: number): Promise<FoundFace[]> {
  const fitted = fitRaster(picture, SIZE);
  const rgb = padRgb(fitted, SIZE, SIZE);
  const input = tf.tensor4d(
    Float32Array.from(rgb, (value) => value / 127.5 - 1),
    [1, SIZE, SIZE, 3],
  );
  const outputs = model.execute(input);
  const sorted = (Array.isArray(outputs) ? outputs : [outputs]).toSorted((a, b) => a.size - b.size);
  const [far, near, farBoxes, nearBoxes] = await Promise.all(sorted.map((tensor) => tensor.data()));
  tf.dispose([input, ...sorted]);
  const logits = [...(near ?? []), ...(far ?? [])];
  const boxes = [...(nearBoxes ?? []), ...(farBoxes ?? [])];
  const scale = picture.width / fitted.width;
  const faces: FoundFace[] = [];
  for (const [i, logit] of logits.entries()) {
    const score = 1 / (1 + Math.exp(-logit));
    if (score < minScore) continue;
    const [anchorX = 0, anchorY = 0] = anchors[i] ?? [];
    const [x = 0, y = 0, width = 0, height = 0] = boxes.slice(i * 16, i * 16 + 4);
    const corner = { x: (anchorX + x - width / 2) * scale, y: (anchorY + y - height / 2) * scale };
    faces.push({ score, box: { ...corner, width: width * scale, height: height * scale } });
  }
  return suppressOverlaps(faces, 0.3);
}

function cut(picture: Raster, x: number, y: number, side: number): Raster {
  const width = Math.min(side, picture.width - x);
  const height = Math.min(side, picture.height - y);
  const data = new Uint8Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    const from = ((y + row) * picture.width + x) * 3;
    data.set(picture.data.subarray(from, from + width * 3), row * width * 3);
  }
  return { width, height, channels: 3, data };
}

async function searchTiles(picture: Raster, side: number, minScore: number): Promise<FoundFace[]> {
  const faces = await search(picture, minScore);
  for (let y = 0; y < picture.height - side / 2; y += side / 2) {
    for (let x = 0; x < picture.width - side / 2; x += side / 2) {
      for (const { box, score } of await search(cut(picture, x, y, side), minScore)) {
        faces.push({ score, box: { ...box, x: box.x + x, y: box.y + y } });
      }
    }
  }
  return suppressOverlaps(faces, 0.3, 0.7);
}

async function measure(title: string, run: () => Promise<string>): Promise<void> {
  await run();
  const start = process.cpuUsage();
  const result = await run();
  const { user, system } = process.cpuUsage(start);
  console.log(`${title}: ${result}; ${((user + system) / 1000).toFixed(0)} CPU-ms for all`);
}

const portraits: Raster[] = [];
for (const sex of ["female", "male"]) {
  const folder = join(tabler, "dist/demo/faces", sex);
  for (const name of (await readdir(folder)).filter((file) => file.endsWith(".jpg"))) {
    portraits.push((await decoder.decode(await readFile(join(folder, name)))).raster);
  }
}
const groups: { raster: Raster; faces: readonly FoundFace[] }[] = [];
for (let i = 1; i <= 6; i++) {
  const { raster } = await decoder.decode(await readFile(join(faceApi, `demo/sample${i}.jpg`)));
  groups.push({ raster, faces: await finder.find(raster) });
}
await tf.setBackend("wasm");
for (const minScore of [0.3, 0.5, 0.7]) {
  await measure(`72 portraits, score ≥ ${minScore}`, async () => {
    const counts = [0, 0, 0];
    for (const portrait of portraits) counts[Math.min(2, (await search(portrait, minScore)).length)]! += 1;
    return `none ${counts[0]}, one ${counts[1]}, more ${counts[2]}`;
  });
  for (const side of [0, 960, 640]) {
    const title = side === 0 ? "whole" : `whole and tiles of ${side}`;
    await measure(`6 group photographs, score ≥ ${minScore}, ${title}`, async () => {
      let right = 0;
      let other = 0;
      for (const { raster, faces } of groups) {
        const found = side === 0 ? await search(raster, minScore) : await searchTiles(raster, side, minScore);
        const hits = faces.filter(({ box }) => found.some((face) => measureOverlap(face.box, box) > 0.25));
        right += hits.length;
        other += found.filter((face) => faces.every(({ box }) => measureOverlap(face.box, box) <= 0.25)).length;
      }
      return `${right} of the 22 faces, ${other} others`;
    });
  }
}
finder.dispose();
