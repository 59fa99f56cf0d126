/** The lines of an ended job's labels in the order of its inputs, wherever they lie: in one file, in parts, or in partitions of parts. */

import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { countInputLists, type InputLists, nameInputList } from "../inputs/job-inputs.ts";
import { readLines } from "../inputs/lines.ts";
import { type Piece, readPieces } from "../inputs/range-reader.ts";
import type { JobSpec } from "../job/job-spec.ts";
import { LABEL_FILES, RANGE_NAMES } from "../keys.ts";
import type { Limits } from "../limits.ts";
import { createMemberGunzip } from "../plan/gunzip-members.ts";
import { type InputItem, inputItemSchema } from "../records/input-item.ts";
import { namePartition } from "../records/partitions.ts";
import { countsAsInput } from "../records/record-groups.ts";
import { parseRecord } from "../records/record-line.ts";
import type { ScoreRecord } from "../records/records.ts";

type Budget = (key: string, bytes: number) => void;

/** Lines of all lists of the frozen inputs. */
export async function* readInputs(lists: InputLists, limits: Limits): AsyncGenerator<InputItem, undefined> {
  for (let list = 0; list < countInputLists(lists); list += 1) yield* readInputList(lists, list, limits);
  return undefined;
}

async function* readInputList(lists: InputLists, list: number, limits: Limits): AsyncGenerator<InputItem> {
  const pieces = await openPieces(lists.store, nameInputList(lists, list), limits.reviewWindowBytes, NO_BUDGET);
  for await (const text of splitTexts(pieces, limits)) yield inputItemSchema.parse(JSON.parse(text));
}

/** What counts is what compressed files hold, not what they take; and the list of inputs is not what is bounded. */
const NO_BUDGET: Budget = () => undefined;

function createBudget(most: number): Budget {
  let left = most;
  return (key, bytes) => {
    left -= bytes;
    if (left >= 0) return;
    throw new ScoringError("quota_exceeded", `${key}: a review reads at most ${most} bytes of labels`);
  };
}

/**
 * The records of a job in the order of its inputs, as lines.
 * @throws ScoringError `conflict` without records as JSONL, `quota_exceeded` for more of them than one request reads
 */
export async function* readLabelLines(
  { spec, lists }: { readonly spec: JobSpec; readonly lists: InputLists },
  limits: Limits,
): AsyncGenerator<string> {
  const { store, folder, merge } = lists;
  const { output } = spec.manifest;
  const budget = createBudget(limits.maxReviewLabelBytes);
  if (merge === undefined) {
    const pieces = await openPieces(store, `${folder}${LABEL_FILES.jsonl.name}`, limits.reviewWindowBytes, budget);
    yield* splitTexts(pieces, limits);
    return;
  }
  for (let range = 0; range < merge.total; range += 1) {
    const nameOf = (partition: string): string =>
      `${folder}${RANGE_NAMES.labels(range, "jsonl", merge.rewritten?.[range] ?? 0, partition)}`;
    if (output.partitionBy === undefined)
      yield* readPacked(store, nameOf(""), limits.reviewWindowBytes, limits, budget);
    else yield* readPartitions({ spec, lists, range, nameOf }, limits, budget);
  }
}

/** The records of a range whose partitions are files of their own: each input says in which of them its records are. */
async function* readPartitions(
  at: {
    readonly spec: JobSpec;
    readonly lists: InputLists;
    readonly range: number;
    readonly nameOf: (partition: string) => string;
  },
  limits: Limits,
  budget: Budget,
): AsyncGenerator<string> {
  const { output, faces } = at.spec.manifest;
  const { store } = at.lists;
  if (!output.formats.includes("jsonl")) throw refuse(at.nameOf(""));
  // All of them are open at once.
  const windowBytes = Math.ceil(limits.reviewWindowBytes / limits.dataset.maxPartitions);
  const files = new Map<string, Cursor | null>();
  for await (const item of readInputList(at.lists, at.range, limits)) {
    const partition = namePartition(output.partitionBy ?? [], item.groups ?? {});
    let file = files.get(partition);
    if (file === undefined) {
      const key = at.nameOf(partition);
      // Where all chunks of a partition were lost, it has no file.
      const exists = (await store.head(key)) !== null;
      file = exists ? await openCursor(readPacked(store, key, windowBytes, limits, budget)) : null;
      files.set(partition, file);
    }
    if (file === null || file.record === null || !isOf(file.record, item)) continue;
    do {
      yield file.text;
      await file.next();
    } while (file.record !== null && isOf(file.record, item) && !countsAsInput(file.record, faces));
  }
}

/** Whether a record is of an input, by their names: further faces of a picture have a number behind its id. */
const isOf = ({ key, id }: ScoreRecord, item: InputItem): boolean =>
  key === item.key && (id === item.id || id.replace(/#\d+$/, "") === item.id);

/** A file of records at one of its lines; at its end `record` is `null`. */
interface Cursor {
  text: string;
  record: ScoreRecord | null;
  next(): Promise<void>;
}

async function openCursor(lines: AsyncGenerator<string>): Promise<Cursor> {
  const cursor: Cursor = {
    text: "",
    record: null,
    async next() {
      const line = await lines.next();
      this.text = line.done === true ? "" : line.value;
      this.record = line.done === true ? null : parseRecord(this.text);
    },
  };
  await cursor.next();
  return cursor;
}

async function* readPacked(
  store: ObjectStore,
  key: string,
  windowBytes: number,
  limits: Limits,
  budget: Budget,
): AsyncGenerator<string> {
  yield* splitTexts(inflate(await openPieces(store, key, windowBytes, NO_BUDGET), key, budget), limits);
}

const refuse = (key: string): ScoringError =>
  new ScoringError("conflict", `${key} does not exist: a review needs the job's labels as JSONL`);

async function openPieces(
  store: ObjectStore,
  key: string,
  windowBytes: number,
  budget: Budget,
): Promise<AsyncIterable<Piece>> {
  const object = await store.head(key);
  if (object === null) throw refuse(key);
  budget(key, object.size);
  return readPieces(store, object, 0, windowBytes, () => true);
}

async function* inflate(pieces: AsyncIterable<Piece>, key: string, budget: Budget): AsyncGenerator<Piece> {
  const gunzip = createMemberGunzip();
  for await (const { bytes, last } of pieces) {
    const parts = [...gunzip.push(bytes), ...(last ? gunzip.finish() : [])];
    for (const [at, part] of parts.entries()) {
      budget(key, part.length);
      yield { bytes: part, last: last && at === parts.length - 1 };
    }
  }
}

async function* splitTexts(pieces: AsyncIterable<Piece>, limits: Limits): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const line of readLines(pieces, { offset: 0, line: 1, skipping: false }, limits.plan.maxLineBytes)) {
    if (line.kind === "line" && line.bytes.length > 0) yield decoder.decode(line.bytes);
  }
}
