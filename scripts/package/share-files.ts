import { createHash } from "node:crypto";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Folders of the package whose files the console has as well, under other names. */
const HELD = ["models", "vendor"] as const;

const hash = async (path: string): Promise<string> =>
  createHash("sha256")
    .update(await readFile(path))
    .digest("hex");

async function listBinaries(folder: string): Promise<readonly string[]> {
  return (await readdir(folder, { recursive: true })).filter((path) => /\.(safetensors|wasm)$/.test(path));
}

/**
 * Takes weights and wasm out of the console's files that lie elsewhere in the package as well, and notes for `serve` where they are: they
 * would be half of the package.
 */
export async function shareFiles(dist: string): Promise<void> {
  const known = new Map<string, string>();
  for (const folder of HELD) {
    for (const path of await listBinaries(join(dist, folder))) {
      known.set(await hash(join(dist, folder, path)), `../${folder}/${path}`);
    }
  }
  const moved: Record<string, string> = {};
  for (const path of await listBinaries(join(dist, "public"))) {
    const target = known.get(await hash(join(dist, "public", path)));
    if (target === undefined) continue;
    moved[`/${path}`] = target;
    await rm(join(dist, "public", path));
  }
  await writeFile(join(dist, "public/_moved.json"), `${JSON.stringify(moved, null, 2)}\n`);
}
