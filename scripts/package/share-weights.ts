import { createHash } from "node:crypto";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

const hash = async (path: string): Promise<string> =>
  createHash("sha256")
    .update(await readFile(path))
    .digest("hex");

async function listWeights(folder: string): Promise<readonly string[]> {
  return (await readdir(folder, { recursive: true })).filter((path) => path.endsWith(".safetensors"));
}

/** Takes weights out of the console's files that lie in `models/` as well, and notes for `serve` where they are: they would be half of the package. */
export async function shareWeights(dist: string): Promise<void> {
  const known = new Map<string, string>();
  for (const path of await listWeights(join(dist, "models"))) {
    known.set(await hash(join(dist, "models", path)), `../models/${path}`);
  }
  const moved: Record<string, string> = {};
  for (const path of await listWeights(join(dist, "public"))) {
    const target = known.get(await hash(join(dist, "public", path)));
    if (target === undefined) continue;
    moved[`/${path}`] = target;
    await rm(join(dist, "public", path));
  }
  await writeFile(join(dist, "public/_moved.json"), `${JSON.stringify(moved, null, 2)}\n`);
}
