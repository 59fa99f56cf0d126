import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { toScoringError } from "../../src/errors.ts";
import { loadCodecs } from "../../src/image/codecs-node.ts";
import { createImageDecoder } from "../../src/image/decode.ts";
import { preprocessFace } from "../../src/image/preprocess.ts";
import { FACE_PIXELS, LABELS } from "../../src/model/labels.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import type { Dataset, DatasetOptions, FailedInput } from "./dataset.ts";

/** Folder names that data sets use for the seven classes. */
const SYNONYMS: readonly (readonly string[])[] = [
  ["angry", "anger"],
  ["disgust", "disgusted"],
  ["fear", "fearful", "afraid"],
  ["happy", "happiness", "joy"],
  ["sad", "sadness"],
  ["surprise", "surprised"],
  ["neutral", "neutrality"],
];

/** The label index of a folder name such as `happy`, `Happiness`, `3` or `3_happy`; −1 for none. */
export function parseClassFolder(name: string): number {
  const words = name.toLowerCase().split(/[^a-z0-9]+/);
  const byName = SYNONYMS.findIndex((synonyms) => words.some((word) => synonyms.includes(word)));
  if (byName >= 0) return byName;
  return /^[0-6]$/.test(name) ? Number(name) : -1;
}

async function findClasses(folder: string, usage: string): Promise<{ folder: string; label: number }[]> {
  const entries = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const classes = entries
    .map((entry) => ({ folder: join(folder, entry.name), label: parseClassFolder(entry.name) }))
    .filter(({ label }) => label >= 0);
  if (classes.length > 0) return classes;
  // train/ and test/ above the classes, as FER2013 is often packed.
  const wanted = usage === "Training" ? ["train", "training"] : ["test", "validation", "val", usage.toLowerCase()];
  const split = entries.find((entry) => wanted.includes(entry.name.toLowerCase()));
  return split === undefined ? [] : findClasses(join(folder, split.name), usage);
}

/**
 * Reads a folder of class folders through the pipe of a job: decode, gray, largest centered square, resize. A file that
 * cannot be decoded is counted with its reason and left out of the figures.
 */
export async function readClassFolders(folder: string, name: string, options: DatasetOptions): Promise<Dataset> {
  const classes = await findClasses(folder, options.usage);
  if (classes.length === 0) {
    throw new Error(
      `${folder} holds neither fer2013.csv, nor sheets with labels.u8, nor folders named ${LABELS.join(", ")}`,
    );
  }
  const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);
  const faces: Uint8Array[] = [];
  const truth: number[] = [];
  const failed: FailedInput[] = [];
  for (const { folder: classFolder, label } of classes) {
    const files = (await readdir(classFolder, { withFileTypes: true })).filter((entry) => entry.isFile());
    for (const file of files.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (faces.length >= options.limit) break;
      const path = join(classFolder, file.name);
      try {
        const { raster } = await decoder.decode(await readFile(path));
        faces.push(preprocessFace(raster, null));
        truth.push(label);
      } catch (error) {
        const { code, detail } = toScoringError(error);
        failed.push({ path, code, message: detail });
      }
    }
  }
  if (faces.length === 0) throw new Error(`${folder}: no image could be decoded`);
  const pixels = new Uint8Array(faces.length * FACE_PIXELS);
  faces.forEach((face, index) => pixels.set(face, index * FACE_PIXELS));
  return { name, count: faces.length, pixels, truth: Uint8Array.from(truth), failed };
}
