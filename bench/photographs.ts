/**
 * Photographs, from the file's bytes to labels, beside two libraries that do the same: CPU-ms per photograph on one thread, and faces found. All decode with
 * the same libjpeg-turbo. The peers run on tfjs-backend-wasm with SIMD: `@vladmandic/human` (face and emotion), `@vladmandic/face-api` (tiny detector and expression).
 *
 *     node bench/photographs.ts [--rounds 7]
 */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { loadCodecs } from "../src/image/codecs-node.ts";
import { createImageDecoder } from "../src/image/decode.ts";
import { resizeRgb } from "../src/image/letterbox.ts";
import { createScorer } from "../src/library/node.ts";
import type { Raster } from "../src/model/face-finder.ts";
import { LIMITS } from "../src/scoring/limits.ts";
import { encodeJpeg } from "../test/golden/jpeg-encoder.ts";
import { describeMachine, repeatPinned } from "./machine.ts";
import { openFaceApi, openHuman, type PhotographPeer } from "./photograph-peers.ts";

const status = repeatPinned();
if (status !== null) process.exit(status);
const { values } = parseArgs({ options: { rounds: { type: "string", default: "7" } } });
const rounds = Number(values.rounds);

const require = createRequire(import.meta.url);
const portraits = join(dirname(require.resolve("tabler-ui/package.json")), "dist/demo/faces");
const groups = join(dirname(require.resolve("@vladmandic/face-api/package.json")), "demo");
const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);

/** A JPEG of another size; `side` is the longer one. */
function enlarge(raster: Raster, side: number): Uint8Array<ArrayBuffer> {
  const factor = side / Math.max(raster.width, raster.height);
  const [width, height] = [Math.round(raster.width * factor), Math.round(raster.height * factor)];
  const data = resizeRgb(raster, width, height);
  const readPixel = (x: number, y: number, out: Float32Array): void => {
    for (let c = 0; c < 3; c++) out[c] = data[(y * width + x) * 3 + c]!;
  };
  return encodeJpeg({ width, height, quality: 2, readPixel });
}

async function readPortraits(side: number): Promise<Uint8Array[]> {
  const names = ["female/1", "female/13", "female/25", "male/10", "male/30", "male/40"];
  const files = names.map(async (name) => {
    const { raster } = await decoder.decode(await readFile(join(portraits, `${name}.jpg`)));
    return enlarge(raster, side);
  });
  return Promise.all(files);
}

const photographs = await Promise.all([1, 3, 4, 5].map((i) => readFile(join(groups, `sample${i}.jpg`))));
const phone = await Promise.all(photographs.slice(0, 2).map((file) => decoder.decode(file)));
const KINDS = [
  { title: "portrait, 350 × 350", faces: "largest", present: 6, files: await readPortraits(350) },
  { title: "one face, 1024 × 1024", faces: "largest", present: 6, files: await readPortraits(1024) },
  { title: "group, 1920 pixels, all faces", faces: "all", present: 15, files: photographs },
  {
    title: "phone, 12 megapixels, all faces",
    faces: "all",
    present: 6,
    files: phone.map((p) => enlarge(p.raster, 4000)),
  },
] as const;

async function openOurs(faces: "largest" | "all"): Promise<PhotographPeer> {
  const scorer = await createScorer({ faces });
  return {
    name: `countenance, faces: ${faces}`,
    async count(files) {
      let found = 0;
      for await (const record of scorer.scoreAll(files)) if (record.status === "scored") found++;
      return found;
    },
  };
}

const peers = [await openHuman(decoder), await openFaceApi(decoder)];
const machine = describeMachine();
console.log(
  `${machine.cpu}, ${machine.node}, commit ${machine.commit}, load ${machine.load.toFixed(1)}, ${rounds} rounds\n`,
);
console.log(
  "| photographs | engine | CPU-ms each | least | photographs per CPU-s | faces found |\n| --- | --- | --- | --- | --- | --- |",
);
for (const { title, faces, present, files } of KINDS) {
  const engines = [await openOurs(faces), ...peers];
  const times = engines.map((): number[] => []);
  const found = engines.map(() => 0);
  // One round of each engine in turn, the first to warm up.
  for (let round = 0; round <= rounds; round++) {
    for (const [i, engine] of engines.entries()) {
      const before = process.cpuUsage();
      found[i] = await engine.count(files);
      const { user, system } = process.cpuUsage(before);
      if (round > 0) times[i]!.push((user + system) / 1000 / files.length);
    }
  }
  for (const [i, { name }] of engines.entries()) {
    const sorted = times[i]!.toSorted((a, b) => a - b);
    const median = sorted[sorted.length >> 1]!;
    const least = sorted[0]!.toFixed(1);
    console.log(
      `| ${title} | ${name} | ${median.toFixed(1)} | ${least} | ${(1000 / median).toFixed(1)} | ${found[i]} of ${present} |`,
    );
  }
}
