/** Data sets with one folder of pictures for each label. */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ScoringError, toScoringError } from "../errors.ts";
import { loadCodecs } from "../image/codecs-node.ts";
import { createImageDecoder } from "../image/decode.ts";
import { preprocessFace } from "../image/preprocess.ts";
import { LABELS, type Label } from "../model/labels.ts";
import { LIMITS } from "../scoring/limits.ts";
import { createCollector, type Dataset, type DatasetOptions, type FailedInput, matchLabel } from "./dataset.ts";

interface Classes {
  readonly classes: readonly { readonly folder: string; readonly label: number }[];
  readonly unknown: readonly string[];
}

async function findClasses(folder: string, usage: string, labels: readonly Label[]): Promise<Classes> {
  const entries = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const named = entries
    .map(({ name }) => ({ name, folder: join(folder, name), label: matchLabel(name, labels) }))
    .toSorted((a, b) => a.label - b.label || (a.name < b.name ? -1 : 1));
  const classes = named.filter(({ label }) => label >= 0);
  if (classes.length > 0) {
    return { classes, unknown: named.filter(({ label }) => label < 0).map(({ name }) => name) };
  }
  // train/ and test/ above the classes, as FER2013 is often packed.
  const wanted = usage === "Training" ? ["train", "training"] : ["test", "validation", "val", usage.toLowerCase()];
  const split = entries.find((entry) => wanted.includes(entry.name.toLowerCase()));
  return split === undefined ? { classes: [], unknown: [] } : findClasses(join(folder, split.name), usage, labels);
}

/**
 * Reads a folder of class folders through the pipe of a job: decode, color, largest centered square, resize. Each picture
 * is one face, as with `faces: "aligned"`. A file that cannot be decoded is counted with its reason and left out of the
 * figures.
 * @throws ScoringError `validation_failed` if no folder names a label, or no picture can be decoded
 */
export async function readClassFolders(folder: string, name: string, options: DatasetOptions): Promise<Dataset> {
  const { labels = LABELS, usage, limit, input } = options;
  const { classes, unknown } = await findClasses(folder, usage, labels);
  if (classes.length === 0) {
    throw new ScoringError(
      "validation_failed",
      `${folder} holds neither fer2013.csv, nor sheets with labels.u8, nor folders named ${labels.join(", ")}`,
    );
  }
  const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);
  const collector = createCollector(options);
  const failed: FailedInput[] = [];
  for (const { folder: classFolder, label } of classes) {
    const files = (await readdir(classFolder, { withFileTypes: true })).filter((entry) => entry.isFile());
    for (const file of files.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (collector.count() >= limit) break;
      const path = join(classFolder, file.name);
      let face: Uint8Array;
      try {
        const { raster } = await decoder.decode(await readFile(path));
        face = preprocessFace(raster, null, input);
      } catch (error) {
        const { code, detail } = toScoringError(error);
        failed.push({ path, code, message: detail });
        continue;
      }
      collector.add(face, label);
    }
  }
  if (collector.count() === 0) {
    throw new ScoringError("validation_failed", `${folder}: no image could be decoded`);
  }
  return collector.finish(name, { failed, unknown });
}
