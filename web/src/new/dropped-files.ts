/** Pictures out of a drop or a file chooser, folders and all. */

/** A picture with its path below what was dropped. */
export interface DroppedFile {
  /** `site-a/1.jpg`; never starts with a slash. */
  readonly path: string;
  readonly file: File;
}

/** What a person dropped or chose. */
export interface Drop {
  /** Sorted by path; a folder that holds everything is not part of the paths. */
  readonly pictures: readonly DroppedFile[];
  /** Files that are no pictures by their names. */
  readonly leftOut: number;
}

const PICTURE = /\.(jpe?g|png|webp)$/i;

/** Every picture of a drop; folders are walked. Must be called in the event itself: the items die with it. */
export async function readDrop(transfer: DataTransfer): Promise<Drop> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  if (entries.length === 0) return readFiles(transfer.files);
  const files = (await Promise.all(entries.map((entry) => walk(entry)))).flat();
  const pictures = files.filter(isPicture);
  const read = pictures.map(async (entry) => ({
    path: entry.fullPath.replace(/^\/+/, ""),
    file: await new Promise<File>((resolve, reject) => entry.file(resolve, reject)),
  }));
  return { pictures: arrange(await Promise.all(read)), leftOut: files.length - pictures.length };
}

/** Every picture of a file chooser. */
export function readFiles(files: Iterable<File>): Drop {
  const all = [...files];
  const pictures = all.filter(isPicture);
  const named = pictures.map((file) => ({ path: file.webkitRelativePath || file.name, file }));
  return { pictures: arrange(named), leftOut: all.length - pictures.length };
}

function isPicture({ name }: { readonly name: string }): boolean {
  return PICTURE.test(name);
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

function arrange(pictures: readonly DroppedFile[]): DroppedFile[] {
  const top = pictures[0]?.path.split("/")[0] ?? "";
  const isWrapped = pictures.every(({ path }) => path.startsWith(`${top}/`));
  const strip = isWrapped && top !== "" ? top.length + 1 : 0;
  return pictures
    .map(({ path, file }) => ({ path: path.slice(strip), file }))
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}
