/** Pictures out of a drop or a file chooser, folders and all. */

/** A picture with its path below what was dropped. */
export interface DroppedFile {
  /** `site-a/1.jpg`; never starts with a slash. */
  readonly path: string;
  readonly file: File;
}

const PICTURE = /\.(jpe?g|png|webp)$/i;

/** Every picture of a drop; folders are walked. Must be called in the event itself: the items die with it. */
export async function readDrop(transfer: DataTransfer): Promise<DroppedFile[]> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  if (entries.length === 0) return readFiles(transfer.files);
  const found = (await Promise.all(entries.map((entry) => walk(entry)))).flat();
  return finish(found);
}

/** Every picture of a file chooser. */
export function readFiles(files: Iterable<File>): DroppedFile[] {
  return finish([...files].map((file) => ({ path: file.webkitRelativePath || file.name, file })));
}

async function walk(entry: FileSystemEntry): Promise<DroppedFile[]> {
  const path = entry.fullPath.replace(/^\/+/, "");
  if (entry instanceof FileSystemFileEntry) {
    if (!PICTURE.test(path)) return [];
    return [{ path, file: await new Promise<File>((resolve, reject) => entry.file(resolve, reject)) }];
  }
  if (!(entry instanceof FileSystemDirectoryEntry)) return [];
  const reader = entry.createReader();
  const children: FileSystemEntry[] = [];
  for (;;) {
    // A reader gives at most 100 entries at a time.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break;
    children.push(...some);
  }
  const found: DroppedFile[] = [];
  for (const child of children) found.push(...(await walk(child)));
  return found;
}

/** Pictures only, sorted; a folder that holds everything is not part of the paths. */
function finish(files: readonly DroppedFile[]): DroppedFile[] {
  const pictures = files.filter(({ path }) => PICTURE.test(path));
  const top = pictures[0]?.path.split("/")[0] ?? "";
  const isWrapped = pictures.every(({ path }) => path.startsWith(`${top}/`));
  const strip = isWrapped && top !== "" ? top.length + 1 : 0;
  return pictures
    .map(({ path, file }) => ({ path: path.slice(strip), file }))
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}
