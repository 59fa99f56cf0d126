import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { PLATFORM } from "../fault/invocation-meter.ts";
import { bundleScenes } from "./bundle.ts";
import { writePictures } from "./pictures.ts";
import type { MemoryPeak } from "./watch.ts";

/**
 * The largest work that the limits allow, in an isolate's 128 MB: all that is alive is counted at each call of a port and of an engine. Then
 * the same once more without looking, its heap held to what the rest leaves of the 128 MB: V8 itself ends a process that needs more.
 */

const MIB = 1024 * 1024;
let folder = "";
let file = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-memory-"));
  file = await bundleScenes();
  await writePictures(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function runScene(scene: string, option: string): Promise<MemoryPeak & { readonly ended: string }> {
  await rm(join(folder, "out"), { recursive: true, force: true });
  const start = (...args: string[]) => promisify(execFile)(process.execPath, [...args, folder], { maxBuffer: MIB });
  if (scene === "merge" || scene === "parquet") await start(file, `prepare-${scene}`);
  const { stdout } = await start(option, file, scene);
  return JSON.parse(stdout) as MemoryPeak & { readonly ended: string };
}

it.each([
  ["12-megapixel progressive JPEGs, all faces searched", "photographs", '"scored":8'],
  ["PNGs of 16 megapixels, faces searched", "png", '"no_face":4'],
  ["files of 23 MiB", "large", '"scored":6'],
  ["files of 23 MiB whose size no list tells", "unknown", '"scored":6'],
  ["a thousand packed pictures", "packed", '"scored":1000'],
  ["merging a hundred million records, every part all but full", "merge", "merged"],
  ["ending the largest Parquet file", "parquet", "merged"],
])("%s", async (name, scene, expected) => {
  const { total, external, at, ended } = await runScene(scene, "--expose-gc");
  expect(ended).toContain(expected);
  console.log(`${name}: ${total / 1e6} MB alive at most, ${external / 1e6} outside the heap (${at})`);
  expect(total).toBeLessThan(PLATFORM.memoryBytes);
  const heapMiB = Math.floor((PLATFORM.memoryBytes - external) / MIB);
  expect((await runScene(scene, `--max-heap-size=${heapMiB}`)).ended).toContain(expected);
});
