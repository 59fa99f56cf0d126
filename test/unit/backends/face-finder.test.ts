import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createFaceFinderNode } from "../../../src/backends/faces-node.ts";
import { loadCodecs } from "../../../src/image/codecs-node.ts";
import { createImageDecoder } from "../../../src/image/decode.ts";
import { fitRaster } from "../../../src/image/letterbox.ts";
import { FACE_FINDER } from "../../../src/model/face-levels.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";

/** The finder as it is shipped, on pictures of packages; docs/faces.md has the whole measurement. */

const demo = join(dirname(createRequire(import.meta.url).resolve("tabler-ui/package.json")), "dist/demo");
const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);
const finder = await createFaceFinderNode();
afterAll(() => finder.dispose());

/** @param size longer side that the picture is enlarged to first */
async function countFaces(path: string, size?: number): Promise<number> {
  const { raster } = await decoder.decode(readFileSync(join(demo, path)));
  return (await finder.find(size === undefined ? raster : fitRaster(raster, size))).length;
}

test("is the one that jobs name", () => expect(finder.name).toBe(FACE_FINDER));

test("finds exactly one face in 69 of 72 portraits, none in the three that hide theirs", async () => {
  const missed: string[] = [];
  for (const folder of ["female", "male"]) {
    const names = readdirSync(join(demo, "faces", folder)).filter((name) => name.endsWith(".jpg"));
    for (const name of names) {
      const path = `faces/${folder}/${name}`;
      const count = await countFaces(path);
      if (count !== 1) missed.push(`${path}: ${count}`);
    }
  }
  expect(missed.toSorted()).toEqual(["faces/female/31.jpg: 0", "faces/male/18.jpg: 0", "faces/male/24.jpg: 0"]);
});

test.each([
  "aneta-ivanova-776",
  "cristina-gottardi-259243",
  "josh-calabrese-66153",
  "nicolas-picard-208276",
  "sweet-ice-cream-photography-143023",
  "wil-stewart-18242",
])("takes no cloud, rock or blur of %s for a face that fills the input", async (name) => {
  expect(await countFaces(`photos/${name}-1500.jpg`)).toBe(0);
});

test.each(["female/1", "female/10", "female/12", "male/1", "male/10"])(
  "finds the face of %s at any size of the picture, once",
  async (name) => {
    for (const size of [128, 300, 600, 1200, 2000]) expect(await countFaces(`faces/${name}.jpg`, size)).toBe(1);
  },
);
