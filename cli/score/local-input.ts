import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { ScoringError } from "../../src/errors.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import { CONTAINER_ENDINGS, type InputFormat } from "../../src/scoring/manifest/input-formats.ts";
import { walkKeys } from "../../src/storage/filesystem/file-paths.ts";

/** Where the input lies, and how the manifest names it. */
export interface LocalInput {
  readonly folder: string;
  /** Folder of the list, where there is one: the store `list`. */
  readonly listFolder: string | null;
  readonly format: InputFormat;
  readonly input:
    | { readonly prefix: string }
    | { readonly objects: readonly { readonly key: string }[] }
    | { readonly manifest: { readonly store: "list"; readonly key: string } };
}

/** What the command line says of the input. */
export interface LocalInputOptions {
  /** File that names the images: CSV with a header, or JSONL; keys are paths below the folder. */
  readonly list?: string | undefined;
  /** So many images of the folder. */
  readonly sample?: number | undefined;
}

/**
 * A folder is a prefix, a list of it or a sample; a `.tar`, `.csv` or `.parquet` is one object.
 * @throws ScoringError `validation_failed`
 */
export async function describeInput(path: string, options: LocalInputOptions = {}): Promise<LocalInput> {
  const { list, sample } = options;
  const entry = await stat(path).catch(() => null);
  if (entry === null) throw new ScoringError("validation_failed", `${path}: no such file or folder`);
  if (entry.isDirectory()) return describeFolder(path, options);
  if (list !== undefined || sample !== undefined) {
    throw new ScoringError("validation_failed", `${path} is not a folder: --list and --sample choose images of one`);
  }
  const input = { objects: [{ key: basename(path) }] };
  const one = { folder: dirname(path), listFolder: null, input };
  const container = (["tar", "fer2013-csv", "parquet"] as const).find((name) => path.endsWith(CONTAINER_ENDINGS[name]));
  return { ...one, format: container ?? "image" };
}

async function describeFolder(folder: string, { list, sample }: LocalInputOptions): Promise<LocalInput> {
  const images = { folder, listFolder: null, format: "image" } as const;
  if (list !== undefined) {
    if (sample !== undefined) {
      throw new ScoringError("validation_failed", "--list and --sample both choose the images: give one of them");
    }
    const file = resolve(list);
    const found = await stat(file).catch(() => null);
    if (found?.isFile() !== true) throw new ScoringError("validation_failed", `${list}: no such file`);
    return {
      ...images,
      listFolder: dirname(file),
      input: { manifest: { store: "list", key: basename(file) } },
    };
  }
  if (sample === undefined) return { ...images, input: { prefix: "" } };
  const keys = await sampleKeys(folder, sample);
  if (keys.length === 0)
    throw new ScoringError("validation_failed", `${folder}: there are no files to take a sample of`);
  return { ...images, input: { objects: keys.map((key) => ({ key })) } };
}

/**
 * `count` files of a folder, in key order: those whose names have the smallest hashes. So the same folder gives the same sample, a larger
 * sample holds a smaller one, and a file that is added changes one of it at most.
 */
export async function sampleKeys(folder: string, count: number): Promise<readonly string[]> {
  if (count < 1 || count > LIMITS.maxInlineObjects) {
    throw new ScoringError(
      "validation_failed",
      `--sample: ${count} is not a number from 1 to ${LIMITS.maxInlineObjects}`,
    );
  }
  const ranked: { readonly key: string; readonly rank: string }[] = [];
  for await (const key of walkKeys(folder, "", undefined)) {
    ranked.push({ key, rank: createHash("sha256").update(key).digest("hex") });
  }
  const smallest = ranked.toSorted((left, right) => (left.rank < right.rank ? -1 : 1)).slice(0, count);
  const chosen = new Set(smallest.map(({ key }) => key));
  return ranked.flatMap(({ key }) => (chosen.has(key) ? [key] : []));
}
