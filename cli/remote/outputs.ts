import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { Api, OutputView } from "../../src/client/api.ts";
import { ScoringError } from "../../src/errors.ts";
import { LABEL_FILES, LABEL_FORMATS, OUTPUT_NAMES, parseRangeName, PART_FILES } from "../../src/scoring/keys.ts";
import { makeFolder, openOutput } from "../files.ts";

/** Bytes of one request. */
const WINDOW_BYTES = 4 * 1024 * 1024;

const NEWLINE = 10;

/** Names of outputs by what a person asks for. */
export const OUTPUT_WORDS: Readonly<Record<string, string>> = {
  labels: "labels.jsonl",
  report: "report.json",
};

function findOutput(outputs: readonly OutputView[], name: string): OutputView {
  const output = outputs.find((one) => one.name === name);
  if (output === undefined) throw new ScoringError("not_found", `the job has no ${name} (yet)`);
  return output;
}

async function* readWindows(api: Api, id: string, { name, size }: OutputView): AsyncGenerator<Uint8Array> {
  // No range lies inside of an empty object.
  if (size === 0) return;
  for (let offset = 0; ;) {
    const { bytes, total } = await api.readOutput(id, name, offset, WINDOW_BYTES);
    yield bytes;
    offset += bytes.length;
    if (offset >= total || bytes.length === 0) return;
  }
}

/** The parts of a data set that together are this label file; none for any other output. */
function findParts(outputs: readonly OutputView[], name: string): readonly OutputView[] {
  const format = LABEL_FORMATS.find((one) => LABEL_FILES[one].name === name);
  if (format === undefined) return [];
  const { extension } = PART_FILES[format];
  return outputs.filter((one) => isPart(one) && one.name.endsWith(`.${extension}`));
}

/** The text of compressed parts, one behind the other; of the header that each table has, only the first. */
async function* readParts(api: Api, id: string, parts: readonly OutputView[]): AsyncGenerator<Uint8Array> {
  const isTable = parts[0]?.name.endsWith(`.${PART_FILES.csv.extension}`) === true;
  for (const [number, part] of parts.entries()) {
    let waits = isTable && number > 0;
    const text = Readable.from(readWindows(api, id, part)).pipe(createGunzip());
    for await (const chunk of text) {
      const bytes: Uint8Array = chunk;
      const end = waits ? bytes.indexOf(NEWLINE) + 1 : 0;
      if (waits && end === 0) continue;
      waits = false;
      yield bytes.subarray(end);
    }
  }
}

/** A part by its name: a server that names anything else, such as `labels/../x`, writes no file here. */
const isPart = ({ name }: OutputView): boolean => name.startsWith("labels/") && parseRangeName(name) !== null;

/** Copies every part of a data set into a folder, under its own name, with the folders of its partitions. */
export async function saveDataset(api: Api, id: string, folder: string): Promise<readonly string[]> {
  const parts = (await api.listOutputs(id)).filter(isPart);
  if (parts.length === 0) throw new ScoringError("not_found", "the job has no data set: its labels are single files");
  await makeFolder(folder);
  const paths: string[] = [];
  for (const part of parts) {
    const path = join(folder, part.name.slice("labels/".length));
    await makeFolder(dirname(path));
    const file = await openOutput(path);
    try {
      for await (const bytes of readWindows(api, id, part)) await file.write(bytes);
    } finally {
      await file.close();
    }
    paths.push(path);
  }
  return paths;
}

/** What a request for one output copies. */
async function openSource(api: Api, id: string, name: string): Promise<AsyncGenerator<Uint8Array>> {
  const outputs = await api.listOutputs(id);
  const parts = findParts(outputs, name);
  if (parts.length === 0) return readWindows(api, id, findOutput(outputs, name));
  if (name !== LABEL_FILES.parquet.name) return readParts(api, id, parts);
  throw new ScoringError("not_found", `${name} is a data set of ${parts.length} files: get dataset --out FOLDER`);
}

/** Copies one output to a file, or to standard output. Never held whole. Labels of a data set are copied as one file of text. */
export async function saveOutput(api: Api, id: string, name: string, path: string | undefined): Promise<void> {
  // Before the file is opened, so that an existing file stays if there is nothing to copy.
  const source = await openSource(api, id, name);
  if (path === undefined) {
    for await (const bytes of source) process.stdout.write(bytes);
    return;
  }
  const file = await openOutput(path);
  try {
    for await (const bytes of source) await file.write(bytes);
  } finally {
    await file.close();
  }
}

/** One object of the last output and whether it is what was written. */
export interface Verdict {
  readonly name: string;
  readonly bytes: number;
  readonly state: "ok" | "differs" | "missing";
}

/** Reads every served output again and compares size and SHA-256 with `_SUCCESS` or `_FAILED`. Parts are not served: they are left out. */
export async function verifyOutputs(api: Api, id: string): Promise<readonly Verdict[]> {
  const outputs = new Map((await api.listOutputs(id)).map((output) => [output.name, output]));
  const last = outputs.get(OUTPUT_NAMES.success) ?? outputs.get(OUTPUT_NAMES.failed);
  if (last === undefined)
    throw new ScoringError("conflict", "the job has neither _SUCCESS nor _FAILED: it has not ended");
  const pieces: Uint8Array[] = [];
  for await (const bytes of readWindows(api, id, last)) pieces.push(bytes);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server's own document
  const closing = JSON.parse(Buffer.concat(pieces).toString("utf8")) as {
    readonly objects: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
  };
  const verdicts: Verdict[] = [];
  for (const { name, bytes, sha256 } of closing.objects) {
    if (name.startsWith("parts/")) continue;
    const output = outputs.get(name);
    if (output === undefined) {
      verdicts.push({ name, bytes, state: "missing" });
      continue;
    }
    const hash = createHash("sha256");
    let size = 0;
    for await (const window of readWindows(api, id, output)) {
      hash.update(window);
      size += window.length;
    }
    verdicts.push({ name, bytes, state: size === bytes && hash.digest("hex") === sha256 ? "ok" : "differs" });
  }
  return verdicts;
}
