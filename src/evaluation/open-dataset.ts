/** Choosing the reader of a dataset by what lies at its path. */

import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { ScoringError } from "../errors.ts";
import { readClassFolders } from "./class-folders.ts";
import { readFerCsv, readFerSheets } from "./fer2013.ts";
import type { Dataset, DatasetOptions } from "./dataset.ts";

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * Opens a data set by what lies at `path`: a `fer2013.csv`, a folder of lossless sheets with `labels.u8`, or a folder
 * with one folder of images per class. Faces of the first two are 48×48 gray, and used as they are by a model
 * of that input; images go through decoding and preprocessing as in a job.
 * @throws ScoringError `validation_failed`, naming the place
 */
export async function openDataset(path: string, options: DatasetOptions): Promise<Dataset> {
  if (!(await exists(path))) throw new ScoringError("validation_failed", `${path} does not exist`);
  if ((await stat(path)).isFile()) return readFerCsv(path, options);
  if (await exists(join(path, "labels.u8"))) return readFerSheets(path, options);
  if (await exists(join(path, "fer2013.csv"))) return readFerCsv(join(path, "fer2013.csv"), options);
  return readClassFolders(path, basename(path), options);
}
