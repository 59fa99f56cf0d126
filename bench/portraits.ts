/** Real portraits that come with a development dependency (tabler-ui, MIT): 128×128 colour JPEGs. */

import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** Their paths, in order of their names. */
export async function listPortraits(): Promise<string[]> {
  const folder = join(import.meta.dirname, "..", "node_modules", "tabler-ui", "dist", "demo", "faces");
  const files = await readdir(folder, { recursive: true });
  return files
    .filter((file) => file.endsWith(".jpg"))
    .sort()
    .map((file) => join(folder, file));
}
