/** Imports a model of another library by the command, and puts it where the tests inside workerd find it: they start no process. */

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ObjectStore } from "../../src/storage/object-store.ts";

const root = join(import.meta.dirname, "../..");

/** As that library names them, in the order of its network's outputs. */
const HUMAN_LABELS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"] as const;
/** Where it lies afterwards. */
const HUMAN_MODEL = "imported/human-emotion@1/";

/** Runs `countenance models import` on the expression network of `@vladmandic/human`, a GraphModel of tfjs. */
export async function importHumanEmotion(store: ObjectStore): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "countenance-imported-"));
  try {
    const file = join(root, "node_modules/@vladmandic/human/models/emotion.json");
    const words = ["--name", "human-emotion", "--labels", HUMAN_LABELS.join(), "--mean", "0.5", "--std", "0.5"];
    const command = [join(root, "cli/countenance.ts"), "models", "import", file, ...words];
    await promisify(execFile)(process.execPath, command, { cwd: folder });
    for (const name of ["weights.safetensors", "card.json"]) {
      await store.put(`${HUMAN_MODEL}${name}`, await readFile(join(folder, "models/human-emotion@1", name)));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
