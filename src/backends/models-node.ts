/** Models in a folder on disk: the repository's `models/`, or a user's own. */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ModelSource } from "../model/model.ts";
import { createReaderSource, isModelId, type ModelReader } from "../model/registry.ts";

/** The models that come with the project. */
export const BUNDLED_MODELS_FOLDER = fileURLToPath(new URL("../../models", import.meta.url));

/** One source for every folder `name@version` in `folder`. */
export async function listFolderModels(folder: string = BUNDLED_MODELS_FOLDER): Promise<ModelSource[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const reader: ModelReader = { read: (path) => readOrNull(join(folder, path)) };
  return entries
    .filter((entry) => entry.isDirectory() && isModelId(entry.name))
    .map((entry) => createReaderSource(reader, entry.name));
}

async function readOrNull(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}
