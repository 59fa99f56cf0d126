/**
 * Finds faces in the portraits of `tabler-ui`, as they are and enlarged, in its photographs, which show none, and in the group
 * photographs of `@vladmandic/face-api`, and prints counts, misses and CPU-ms a picture.
 *
 *     node scripts/measure-faces.ts [--max-size 1024] [--min-score 0.4] [--json FILE]
 */

import { readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { createFaceFinderNode } from "../src/backends/faces-node.ts";
import { loadCodecs } from "../src/image/codecs-node.ts";
import { createImageDecoder } from "../src/image/decode.ts";
import { fitRaster } from "../src/image/letterbox.ts";
import { measureOverlap } from "../src/model/face-grid.ts";
import type { Box } from "../src/model/face-finder.ts";
import { LIMITS } from "../src/scoring/limits.ts";

const { values } = parseArgs({
  options: {
    "max-size": { type: "string", default: "1024" },
    "min-score": { type: "string", default: "0.4" },
    json: { type: "string" },
  },
});
const require = createRequire(import.meta.url);
const faceApi = dirname(require.resolve("@vladmandic/face-api/package.json"));
const tabler = dirname(require.resolve("tabler-ui/package.json"));
const groups = [1, 2, 3, 4, 5, 6].map((i) => join(faceApi, `demo/sample${i}.jpg`));
const portraits: string[] = [];
for (const folder of ["female", "male"]) {
  const path = join(tabler, "dist/demo/faces", folder);
  for (const name of await readdir(path)) if (name.endsWith(".jpg")) portraits.push(join(path, name));
}
const views = join(tabler, "dist/demo/photos");
const photographs = (await readdir(views)).filter((name) => name.endsWith(".jpg")).map((name) => join(views, name));

const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);
const finder = await createFaceFinderNode({ maxInputSize: Number(values["max-size"]) });
const minScore = Number(values["min-score"]);
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

function selectWidth(width: string): string[] {
  return photographs.filter((path) => path.endsWith(`-${width}.jpg`));
}

const results: unknown[] = [];
for (const { title, paths, faces: expected, size } of [
  { title: "portraits", paths: portraits, faces: 1, size: null },
  { title: "portraits enlarged to 600 pixels", paths: portraits, faces: 1, size: 600 },
  { title: "portraits enlarged to 1200 pixels", paths: portraits, faces: 1, size: 1200 },
  { title: "photographs without a face, 1500 pixels", paths: selectWidth("1500"), faces: 0, size: null },
  { title: "photographs without a face, 500 pixels", paths: selectWidth("500"), faces: 0, size: null },
  { title: "group photographs", paths: groups, faces: null, size: null },
]) {
  const counts = new Map<number, number>();
  const odd: string[] = [];
  let decodeMs = 0;
  let findMs = 0;
  for (const round of ["warm", "measured"]) {
    for (const path of paths) {
      const bytes = await readFile(path);
      const start = cpuMs();
      const picture = await decoder.decode(bytes);
      const decoded = cpuMs();
      const raster = size === null ? picture.raster : fitRaster(picture.raster, size);
      const faces = await finder.find(raster, { minScore });
      if (round === "warm") continue;
      decodeMs += decoded - start;
      findMs += cpuMs() - decoded;
      counts.set(faces.length, (counts.get(faces.length) ?? 0) + 1);
      if (faces.length !== expected) odd.push(`${basename(dirname(path))}/${basename(path)}: ${faces.length}`);
      results.push({ path, width: raster.width, height: raster.height, faces });
    }
  }
  console.log(
    `${title}: ${paths.length} pictures; faces found -> pictures: ${JSON.stringify([...counts].sort(([a], [b]) => a - b))}`,
  );
  console.log(
    `  CPU-ms a picture: decode ${(decodeMs / paths.length).toFixed(1)}, find ${(findMs / paths.length).toFixed(1)}`,
  );
  console.log(`  ${odd.join("\n  ")}`);
}

/** Small faces: the group photographs made smaller, several in one picture of 1920 pixels, where their faces are known. */
const known = await Promise.all(
  groups.map(async (path) => {
    const { raster } = await decoder.decode(await readFile(path));
    return { raster, faces: await finder.find(raster, { minScore }) };
  }),
);
for (const columns of [2, 3]) {
  const side = Math.floor(1920 / columns);
  const cell = Math.floor(side * 0.82);
  const height = 2 * cell;
  const data = new Uint8Array(1920 * height * 3);
  const expected: Box[] = [];
  for (const [i, { raster, faces }] of known.slice(6 - 2 * columns).entries()) {
    const small = fitRaster(raster, side);
    const left = (i % columns) * side;
    const top = Math.floor(i / columns) * cell;
    const factor = small.width / raster.width;
    for (let y = 0; y < Math.min(small.height, cell); y++) {
      data.set(small.data.subarray(y * small.width * 3, (y + 1) * small.width * 3), ((top + y) * 1920 + left) * 3);
    }
    for (const { box } of faces) {
      const placed = { x: left + box.x * factor, y: top + box.y * factor };
      expected.push({ ...placed, width: box.width * factor, height: box.height * factor });
    }
  }
  const start = cpuMs();
  const found = await finder.find({ width: 1920, height, channels: 3, data }, { minScore });
  const spent = cpuMs() - start;
  const isFace = (a: Box): boolean => expected.some((b) => measureOverlap(a, b) > 0.3);
  const hits = expected.filter((a) => found.some(({ box }) => measureOverlap(a, box) > 0.3)).length;
  const share = expected.reduce((sum, { width }) => sum + width, 0) / expected.length / 1920;
  console.log(
    `faces of ${(100 * share).toFixed(1)} % of the picture's width: ${hits} of ${expected.length}, ` +
      `${found.filter(({ box }) => !isFace(box)).length} false, ${spent.toFixed(0)} CPU-ms`,
  );
}
if (values.json !== undefined) await writeFile(values.json, JSON.stringify(results));
finder.dispose();
