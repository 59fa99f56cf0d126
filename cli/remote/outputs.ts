import { createHash } from "node:crypto";
import type { Api, OutputView } from "../../src/client/api.ts";
import { ScoringError } from "../../src/errors.ts";
import { OUTPUT_NAMES } from "../../src/scoring/keys.ts";
import { openOutput } from "../files.ts";

/** Bytes of one request. */
const WINDOW_BYTES = 4 * 1024 * 1024;

/** Names of outputs by what a person asks for. */
export const OUTPUT_WORDS: Readonly<Record<string, string>> = {
  labels: "labels.jsonl",
  report: "report.json",
};

async function findOutput(api: Api, id: string, name: string): Promise<OutputView> {
  const output = (await api.listOutputs(id)).find((one) => one.name === name);
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

/** Copies one output to a file, or to standard output. Never held whole. */
export async function saveOutput(api: Api, id: string, name: string, path: string | undefined): Promise<void> {
  // Before the file is opened, so that an existing file stays if there is nothing to copy.
  const output = await findOutput(api, id, name);
  if (path === undefined) {
    for await (const bytes of readWindows(api, id, output)) process.stdout.write(bytes);
    return;
  }
  const file = await openOutput(path);
  try {
    for await (const bytes of readWindows(api, id, output)) await file.write(bytes);
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
