import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { partsPrefix } from "../../src/scoring/keys.ts";
import { renderContactSheet } from "../../src/scoring/report/contact-sheet.ts";
import { splitLines, parseRecord } from "../../src/scoring/records/record-line.ts";
import type { ScoreRecord } from "../../src/scoring/records/records.ts";

/** A page holds its pictures whole: more would be slow to open. */
const MAX_PICTURES = 200;
const MAX_PICTURE_BYTES = 48 * 1024 * 1024;

/** The records of a job, in the order of its inputs. Its parts have them, whatever formats were asked for. */
async function readRecords(jobFolder: string): Promise<readonly ScoreRecord[]> {
  const folder = partsPrefix(`${jobFolder}/`);
  // A job without an input has no part.
  const names = (await readdir(folder).catch((): string[] => [])).toSorted();
  const records: ScoreRecord[] = [];
  for (const name of names) records.push(...splitLines(await readFile(join(folder, name))).map(parseRecord));
  return records;
}

/**
 * Writes `contact-sheet.html` beside a local job's labels: its first pictures, each with its boxes and labels.
 * @returns the page's path and how many pictures it shows of how many; `null` where none can be shown
 */
export async function writeContactSheet(
  inputFolder: string,
  jobFolder: string,
): Promise<{ readonly path: string; readonly shown: number; readonly total: number } | null> {
  const records = await readRecords(jobFolder);
  const keys = [...new Set(records.filter(({ face }) => face !== null).map(({ key }) => key))];
  const pictures = new Map<string, Uint8Array>();
  let bytes = 0;
  for (const key of keys) {
    const path = join(inputFolder, key);
    const size = (await stat(path).catch(() => null))?.size ?? 0;
    if (pictures.size === MAX_PICTURES || bytes + size > MAX_PICTURE_BYTES) break;
    if (size === 0) continue;
    pictures.set(key, await readFile(path));
    bytes += size;
  }
  if (pictures.size === 0) return null;
  const shown: readonly ScoreRecord[] = records.filter(({ key }) => pictures.has(key));
  const path = join(jobFolder, "contact-sheet.html");
  await writeFile(path, renderContactSheet(shown, pictures));
  return { path, shown: pictures.size, total: keys.length };
}
