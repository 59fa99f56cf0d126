/** The pictures that the detection benchmark is composed of, from packages that the tests need anyway. */

import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { loadCodecs } from "../../src/image/codecs-node.ts";
import { createImageDecoder } from "../../src/image/decode.ts";
import { resizeRgb } from "../../src/image/letterbox.ts";
import type { Raster } from "../../src/model/face-finder.ts";
import { LIMITS } from "../../src/scoring/limits.ts";

/** `portraits`: 72 of 128×128 pixels. `groups`: 6 photographs of 1920 pixels. `views-…`: 50 photographs without a face. */
export interface SourceNames {
  readonly portraits: readonly string[];
  readonly groups: readonly string[];
  readonly smallViews: readonly string[];
  readonly largeViews: readonly string[];
}

const require = createRequire(import.meta.url);
const tabler = join(dirname(require.resolve("tabler-ui/package.json")), "dist/demo");
const faceApi = join(dirname(require.resolve("@vladmandic/face-api/package.json")), "demo");

/** Names as in `marked-faces.json`, in a fixed order. */
export async function listSources(): Promise<SourceNames> {
  const portraits: string[] = [];
  for (const folder of ["female", "male"]) {
    const files = (await readdir(join(tabler, "faces", folder))).filter((file) => file.endsWith(".jpg"));
    portraits.push(...files.toSorted().map((file) => `faces/${folder}/${file}`));
  }
  const views = (await readdir(join(tabler, "photos"))).toSorted().map((file) => `photos/${file}`);
  return {
    portraits,
    groups: [1, 2, 3, 4, 5, 6].map((i) => `sample${i}.jpg`),
    smallViews: views.filter((name) => name.endsWith("-500.jpg")),
    largeViews: views.filter((name) => name.endsWith("-1500.jpg")),
  };
}

/** Reads sources as RGB. */
export async function createSourceReader(): Promise<(name: string) => Promise<Raster>> {
  const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);
  return async (name) => {
    const { raster } = await decoder.decode(await readFile(join(name.includes("/") ? tabler : faceApi, name)));
    if (raster.channels === 3) return raster;
    const { width, height } = raster;
    return { width, height, channels: 3, data: resizeRgb(raster, width, height) };
  };
}
