/**
 * The names of all objects that a job writes, under `<prefix>/<job id>/`. The only file with storage key literals.
 * `grep -rn "keys.ts" src` finds every writer and reader.
 */

/** Normalizes an output prefix: no leading slash, exactly one trailing slash unless empty. */
export function normalizePrefix(prefix: string): string {
  const trimmed = prefix.replace(/^\/+/, "").replace(/\/+$/, "");
  return trimmed === "" ? "" : `${trimmed}/`;
}

/**
 * Folder of one job's outputs, with its trailing slash. `generation` is 0 until records are erased; each later one has a folder
 * inside the first one's, so that deleting the job's folder deletes all of them.
 */
export function jobFolder(prefix: string, jobId: string, generation = 0): string {
  const root = `${normalizePrefix(prefix)}${jobId}/`;
  return generation === 0 ? root : `${root}${GENERATIONS}${String(generation).padStart(6, "0")}/`;
}

const GENERATIONS = "generations/";

/** Where the later generations of a job lie. @param root folder of its first one */
export function generationsPrefix(root: string): string {
  return `${root}${GENERATIONS}`;
}

const REVIEWS = "reviews/";

/** Objects of a job's review, beside its outputs: they outlive the generations, and no output names them. */
export const REVIEW_NAMES = { design: `${REVIEWS}design.json`, lines: `${REVIEWS}reviews.jsonl` } as const;

/**
 * Whether a key under a job's folder stays once `generation` has replaced all earlier ones: it belongs to that generation, or to a later
 * one that may be under way.
 */
export function isCurrentOutput(root: string, key: string, generation: number): boolean {
  const name = key.slice(root.length);
  if (name.startsWith(REVIEWS)) return true;
  if (!name.startsWith(GENERATIONS)) return generation === 0 && !key.startsWith(workPrefix(root));
  const [number = "", ...rest] = name.slice(GENERATIONS.length).split("/");
  return Number(number) > generation || (Number(number) === generation && rest[0] !== "work");
}

/** The formats of label files, by their names in a manifest. A new one gets its file below and its encoder in `outputs/label-encoders.ts`. */
export const LABEL_FORMATS = ["jsonl", "csv", "parquet"] as const;
/** One of {@link LABEL_FORMATS}. */
export type LabelFormat = (typeof LABEL_FORMATS)[number];

/** The file of each format, relative to the job's folder, with its media type and what people call it. */
export const LABEL_FILES = {
  jsonl: { title: "JSONL", name: "labels.jsonl", type: "application/x-ndjson" },
  csv: { title: "CSV", name: "labels.csv", type: "text/csv" },
  parquet: { title: "Parquet", name: "labels.parquet", type: "application/vnd.apache.parquet" },
} as const satisfies Readonly<
  Record<LabelFormat, { readonly title: string; readonly name: string; readonly type: string }>
>;

/** How the labels lie in the store, by `output.layout`: one file of each format, or one part per range of inputs. */
export type OutputLayout = "single" | "dataset";

/** The files of a data set, by format: text is compressed there. */
export const PART_FILES = {
  jsonl: { extension: "jsonl.gz", type: "application/gzip" },
  csv: { extension: "csv.gz", type: "application/gzip" },
  parquet: { extension: "parquet", type: LABEL_FILES.parquet.type },
} as const satisfies Readonly<Record<LabelFormat, { readonly extension: string; readonly type: string }>>;

/** A range that was written anew when records were erased has the number of that generation behind its own. */
const formatRange = (range: number, generation: number): string =>
  `${String(range).padStart(5, "0")}${generation === 0 ? "" : `-${generation}`}`;

/** Names of what is written for each range of a data set, relative to the job's folder, whatever its generation. */
export const RANGE_NAMES = {
  /** @param partition its folder, with a trailing slash; see `records/partitions.ts` */
  labels: (range: number, format: LabelFormat, generation = 0, partition = ""): string =>
    `labels/${partition}part-${formatRange(range, generation)}.${PART_FILES[format].extension}`,
  input: (range: number, generation = 0): string => `input/part-${formatRange(range, generation)}.jsonl`,
  /** A line for each part of a chunk: name, size and hash. */
  chunks: (range: number, generation = 0): string => `ranges/${formatRange(range, generation)}.chunks.jsonl`,
  /** The range's lines of `errors.jsonl`. */
  errors: (range: number, generation = 0): string => `ranges/${formatRange(range, generation)}.errors.jsonl`,
  /** What joining reads: aggregates, and the objects of the range. */
  summary: (range: number, generation = 0): string => `ranges/${formatRange(range, generation)}.json`,
} as const;

/** The folders of {@link RANGE_NAMES}. */
export const RANGE_FOLDERS = ["labels/", "input/", "ranges/"] as const;

/** A file of a range by its name; `null` for a name of anything else. */
export function parseRangeName(
  name: string,
): { readonly range: number; readonly generation: number; readonly type: string } | null {
  const [, range, generation = "0", extension = ""] =
    /^(?:labels\/(?:[^/\\=]+=[^/\\]+\/)*part-|input\/part-|ranges\/)(\d{5,})(?:-(\d+))?\.([a-z.]+)$/.exec(name) ?? [];
  const type = RANGE_TYPES.get(extension);
  return range === undefined || type === undefined
    ? null
    : { range: Number(range), generation: Number(generation), type };
}

const RANGE_TYPES: ReadonlyMap<string, string> = new Map([
  ...Object.values(PART_FILES).map(({ extension, type }): [string, string] => [extension, type]),
  ["jsonl", LABEL_FILES.jsonl.type],
  ["chunks.jsonl", LABEL_FILES.jsonl.type],
  ["errors.jsonl", LABEL_FILES.jsonl.type],
  ["json", "application/json"],
]);

/** The folder of a job's parts of chunks and ranges: a data set keeps them in one place, so that only what changes is written anew. */
export function dataFolder(
  output: { readonly prefix: string; readonly layout: OutputLayout },
  jobId: string,
  generation = 0,
): string {
  return jobFolder(output.prefix, jobId, output.layout === "dataset" ? 0 : generation);
}

/** State of a range that it carries from one step to the next. */
export function rangeCarryName(range: number, name: string): string {
  return `${formatRange(range, 0)}/${name}`;
}

/** Names of the other finalized objects, relative to the job's folder. */
export const OUTPUT_NAMES = {
  input: "input.jsonl",
  errors: "errors.jsonl",
  reportJson: "report.json",
  reportHtml: "report.html",
  summary: "summary.json",
  runLock: "run.lock.json",
  /** Written last, one of the two: whoever waits for `_SUCCESS` must not take a job that failed, expired or was canceled for one. */
  success: "_SUCCESS",
  failed: "_FAILED",
} as const;

/** Records of one chunk, create-only. Chunk ids are deterministic, so the key is too. */
export function partKey(folder: string, chunkId: string): string {
  return `${folder}${partName(chunkId)}`;
}

/** The same, relative to the job's folder. */
export function partName(chunkId: string): string {
  return `parts/${chunkId}.jsonl`;
}

/** The chunk of a part's key; `null` for a key that is not a part's. */
export function parsePartKey(folder: string, key: string): string | null {
  const name = key.startsWith(partsPrefix(folder)) ? key.slice(partsPrefix(folder).length) : "";
  return name.endsWith(".jsonl") ? name.slice(0, -".jsonl".length) : null;
}

/** Folder of a job's parts. */
export function partsPrefix(folder: string): string {
  return `${folder}parts/`;
}

/** One frozen page of the input. The attempt is in the name: the coordinator's commit decides which attempt counts. */
export function inputPageKey(folder: string, page: number, attempt: number): string {
  return `${workPrefix(folder)}input/${String(page).padStart(7, "0")}-${attempt}.jsonl`;
}

/** The same of a range that is listed beside others: its pages are numbered from 0. */
export function rangePageKey(folder: string, range: number, page: number, attempt: number): string {
  return `${workPrefix(folder)}input/${formatRange(range, 0)}/${String(page).padStart(7, "0")}-${attempt}.jsonl`;
}

/** Where the ranges of the input begin and end, one a line. */
export function scanKey(folder: string, attempt: number): string {
  return `${workPrefix(folder)}scan/ranges-${attempt}.jsonl`;
}

/** What the steps of a range have listed so far. */
export function scanCarryKey(folder: string, range: number, step: number, attempt: number): string {
  return `${workPrefix(folder)}scan/${formatRange(range, 0)}-${String(step).padStart(6, "0")}-${attempt}.json`;
}

/** State too large for a row that finalization carries from one step to the next. */
export function carryKey(folder: string, name: string, step: number, attempt: number): string {
  return `${workPrefix(folder)}carry/${name}-${String(step).padStart(6, "0")}-${attempt}`;
}

/** Objects that exist only while a job is alive; deleted before `_SUCCESS` is written. */
export function workPrefix(folder: string): string {
  return `${folder}work/`;
}

/** Written and removed by the probe for stores that honor conditional puts. */
export function probeKey(prefix: string, nonce: string): string {
  return `${normalizePrefix(prefix)}.countenance-probe-${nonce}`;
}
