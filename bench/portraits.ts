/** Real portraits that come with a development dependency (tabler-ui, MIT): 128×128 color JPEGs. */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { loadCodecs } from "../src/image/codecs-node.ts";
import { createImageDecoder } from "../src/image/decode.ts";
import { FACE_BYTES, preprocessFace } from "../src/image/preprocess.ts";
import { LIMITS } from "../src/scoring/limits.ts";

/** Their paths, in order of their names. */
export async function listPortraits(): Promise<string[]> {
  const folder = join(import.meta.dirname, "..", "node_modules", "tabler-ui", "dist", "demo", "faces");
  const files = await readdir(folder, { recursive: true });
  return files
    .filter((file) => file.endsWith(".jpg"))
    .sort()
    .map((file) => join(folder, file));
}

/** The portraits as the network takes them, repeated to `count` faces. */
export async function readFaces(portraits: readonly string[], count: number): Promise<Uint8Array> {
  const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);
  const faces = new Uint8Array(count * FACE_BYTES);
  for (let i = 0; i < count; i++) {
    const { raster } = await decoder.decode(await readFile(portraits[i % portraits.length]!));
    faces.set(preprocessFace(raster, null), i * FACE_BYTES);
  }
  return faces;
}
