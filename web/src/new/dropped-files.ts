/** Pictures, shards or tables out of a drop or a file chooser, folders and all. */

import { FORMATS_IN_WORDS, IMAGE_ENDINGS } from "../../../src/image/image-formats.ts";
import type { Manifest } from "../../../src/scoring/manifest/manifest.ts";
import type { DroppedFile } from "./dropped-file.ts";

/** What a person dropped or chose. */
export interface Drop {
  /** Sorted by path; a folder that holds everything is not part of the paths. */
  readonly taken: readonly DroppedFile[];
  /** Names of the files that are not of the format. */
  readonly leftOut: readonly string[];
}

/** What an upload takes, by the format of the job. */
export const UPLOADS: Readonly<
  Record<Manifest["format"], { readonly endings: readonly string[]; readonly words: string; readonly one: string }>
> = {
  image: { endings: IMAGE_ENDINGS, words: FORMATS_IN_WORDS, one: "picture" },
  tar: { endings: [".tar"], words: "tar shards of pictures", one: "shard" },
  "fer2013-csv": { endings: [".csv"], words: "tables of FER2013's layout", one: "table" },
  parquet: { endings: [".parquet"], words: "Parquet files with a column of pictures", one: "file" },
};

type Format = keyof typeof UPLOADS;

/** Every file of the format in a drop; folders are walked. Must be called in the event itself, since the items expire with it. */
export async function readDrop(transfer: DataTransfer, format: Format): Promise<Drop> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  if (entries.length === 0) return readFiles(transfer.files, format);
  const files = (await Promise.all(entries.map((entry) => walk(entry)))).flat();
  const [taken, leftOut] = split(files, format);
  const read = taken.map(async (entry) => ({
    path: entry.fullPath.replace(/^\/+/, ""),
    file: await new Promise<File>((resolve, reject) => entry.file(resolve, reject)),
  }));
  return { taken: arrange(await Promise.all(read)), leftOut };
}

/** Every file of the format of a file chooser. */
export function readFiles(files: Iterable<File>, format: Format): Drop {
  const [taken, leftOut] = split([...files], format);
  const named = taken.map((file) => ({ path: file.webkitRelativePath || file.name, file }));
  return { taken: arrange(named), leftOut };
}

/** Files of the format, and the names of the others. */
function split<File extends { readonly name: string }>(all: readonly File[], format: Format): [File[], string[]] {
  const isTaken = ({ name }: File): boolean =>
    UPLOADS[format].endings.some((ending) => name.toLowerCase().endsWith(ending));
  return [all.filter(isTaken), all.filter((file) => !isTaken(file)).map(({ name }) => name)];
}

async function walk(entry: FileSystemEntry): Promise<FileSystemFileEntry[]> {
  if (entry instanceof FileSystemFileEntry) return [entry];
  if (!(entry instanceof FileSystemDirectoryEntry)) return [];
  const reader = entry.createReader();
  const children: FileSystemEntry[] = [];
  for (;;) {
    // A reader gives at most 100 entries at a time.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break;
    children.push(...some);
  }
  const found: FileSystemFileEntry[] = [];
  for (const child of children) found.push(...(await walk(child)));
  return found;
}

function arrange(files: readonly DroppedFile[]): DroppedFile[] {
  const top = files[0]?.path.split("/")[0] ?? "";
  const isWrapped = files.every(({ path }) => path.startsWith(`${top}/`));
  const strip = isWrapped && top !== "" ? top.length + 1 : 0;
  return files
    .map(({ path, file }) => ({ path: path.slice(strip), file }))
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}
