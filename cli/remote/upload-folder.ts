import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join, relative, resolve, sep } from "node:path";
import type { Api } from "../../src/client/api.ts";
import { ScoringError } from "../../src/errors.ts";
import { FORMATS_IN_WORDS, IMAGE_ENDINGS, isPictureName } from "../../src/image/image-formats.ts";
import { createProgressBar } from "../progress-bar.ts";

/** Uploads at once: more are held back by the server's own limits. */
const UPLOADS = 6;

/** A folder's pictures in a store. */
export interface UploadedFolder {
  readonly store: string;
  readonly prefix: string;
}

/** The pictures of a folder, in order, and how many other files there are. */
export interface FolderPictures {
  readonly folder: string;
  readonly paths: readonly string[];
  readonly bytes: number;
  readonly others: number;
}

/** Looks through a folder; symbolic links are left out. @throws ScoringError `validation_failed` where it has no picture */
export async function listPictures(folder: string): Promise<FolderPictures> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const paths = files.filter(isPictureName).toSorted();
  if (paths.length === 0) {
    const among = files.length === 0 ? "" : ` among its ${files.length} files`;
    throw new ScoringError(
      "validation_failed",
      `${folder}: there is no ${FORMATS_IN_WORDS} picture${among} (${IMAGE_ENDINGS.join(", ")})`,
    );
  }
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  return { folder: resolve(folder), paths, bytes, others: files.length - paths.length };
}

/** Where a folder goes: a prefix of its own for each time. @throws ScoringError `validation_failed` where the store has to be named */
export async function chooseTarget(
  api: Pick<Api, "listStores">,
  folder: string,
  named: { readonly store?: string | undefined; readonly prefix?: string | undefined },
  now: Date,
): Promise<UploadedFolder> {
  const stores = (await api.listStores()).map(({ name }) => name);
  const store = named.store ?? (stores.length === 1 ? stores[0] : undefined);
  if (store === undefined) {
    throw new ScoringError("validation_failed", `name the store to upload to: --store ${stores.join(" or --store ")}`);
  }
  const time = now.toISOString().slice(0, 19).replaceAll(/[-:]/g, "");
  return { store, prefix: named.prefix ?? `uploads/${basename(resolve(folder))}-${time}Z/` };
}

/** Uploads the pictures. @throws ScoringError as the API does */
export async function uploadPictures(
  api: Pick<Api, "upload">,
  { folder, paths }: FolderPictures,
  { store, prefix }: UploadedFolder,
): Promise<void> {
  const bar = createProgressBar(process.stderr);
  const waiting = paths.values();
  let finished = 0;
  async function work(): Promise<void> {
    for (const path of waiting) {
      const key = `${prefix}${relative(folder, path).split(sep).join("/")}`;
      await api.upload(store, key, new Uint8Array(await readFile(path)));
      finished += 1;
      bar.update({ finished, total: paths.length, label: "uploading", perSecond: null });
    }
  }
  try {
    await Promise.all(Array.from({ length: UPLOADS }, work));
  } finally {
    bar.stop();
  }
}
