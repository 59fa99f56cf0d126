import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { readLabels } from "../../src/client/label-reader.ts";
import type { Api } from "../../src/client/api.ts";
import { ScoringError } from "../../src/errors.ts";
import { LABEL_FILES } from "../../src/scoring/keys.ts";
import { parseRecord } from "../../src/scoring/records/record-line.ts";
import type { ScoreRecord } from "../../src/scoring/records/records.ts";
import { findJob } from "../remote/find-job.ts";

/** The records of one side of a comparison. */
export interface RecordSource {
  /** What the user called it. */
  readonly name: string;
  readonly records: AsyncIterable<ScoreRecord>;
}

const kindOf = (path: string): Promise<"file" | "folder" | null> =>
  stat(path).then(
    (found) => (found.isDirectory() ? "folder" : "file"),
    () => null,
  );

/**
 * `labels.jsonl` itself, the folder that holds it, or the one folder in which `score` wrote a single job.
 * @throws ScoringError `validation_failed` where there is none, or more than one
 */
async function findLabels(path: string): Promise<string> {
  const { name } = LABEL_FILES.jsonl;
  const kinds = [path, join(path, name)];
  for (const one of kinds) if ((await kindOf(one)) === "file") return one;
  const inside = await readdir(path);
  const found: string[] = [];
  for (const entry of inside)
    if ((await kindOf(join(path, entry, name))) === "file") found.push(join(path, entry, name));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw new ScoringError(
    "validation_failed",
    found.length === 0
      ? `${path}: holds no ${name}, nor a folder with one`
      : `${path}: holds ${found.length} jobs, name one: ${found.toSorted().join(", ")}`,
  );
}

async function* readFile(path: string): AsyncGenerator<ScoreRecord> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Infinity });
  let number = 0;
  for await (const line of lines) {
    number += 1;
    try {
      yield parseRecord(line);
    } catch (cause) {
      if (!(cause instanceof ScoringError)) throw cause;
      throw new ScoringError("validation_failed", `${path}:${number}: ${cause.detail}`, { cause });
    }
  }
}

/** A path that exists is local output of `score`; anything else names a job of the server. @throws ScoringError `validation_failed`, `not_found` */
export async function openRecords(text: string, connect: () => Api): Promise<RecordSource> {
  if ((await kindOf(text)) !== null) {
    const path = await findLabels(text);
    return { name: text, records: readFile(path) };
  }
  const api = connect();
  const id = await findJob(api, text);
  return { name: id, records: readLabels(api, id) };
}
