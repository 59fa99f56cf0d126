/** Every record of an ended job beside its input, in the order of the inputs: from single files, or from the parts of a data set. */

import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { countInputLists, type InputLists, nameInputList } from "../inputs/job-inputs.ts";
import { readLines } from "../inputs/lines.ts";
import { type Piece, readPieces } from "../inputs/range-reader.ts";
import { type JobSpec, labelsOf } from "../job/job-spec.ts";
import type { JobState } from "../job/job-state.ts";
import { dataFolder, LABEL_FILES, RANGE_NAMES } from "../keys.ts";
import type { Limits } from "../limits.ts";
import { createMemberGunzip } from "../plan/gunzip-members.ts";
import { compareItems, openPriorLines, type PriorLines } from "../prior/prior-join.ts";
import { type InputItem, inputItemSchema } from "../records/input-item.ts";
import { countsAsInput } from "../records/record-groups.ts";
import { parseRecord } from "../records/record-line.ts";
import { findTopLabel, probabilityOf, type ScoreRecord } from "../records/records.ts";

/** A scored face with its input. */
export interface ReadFace {
  readonly record: ScoreRecord;
  readonly item: InputItem;
  /** 0-based number of its record. */
  readonly index: number;
  /** Index of the model's label, in label order. */
  readonly label: number;
  /** In label order. */
  readonly probabilities: readonly number[];
  /** True where the run before had another picture under this key, or none. */
  readonly isNew: boolean;
}

/** An ended job. */
export interface ReadJob {
  readonly spec: JobSpec;
  readonly state: Pick<JobState, "generation" | "merge">;
  /** Of the outputs. */
  readonly store: ObjectStore;
  /** The frozen inputs of the run before; `null`: every picture is new. */
  readonly before: InputLists | null;
}

/**
 * The scored faces of a job.
 * @throws ScoringError `conflict` without records as JSONL, `quota_exceeded` for more of them than one request reads, `manifest_lost`
 */
export async function* readFaces(job: ReadJob, limits: Limits): AsyncGenerator<ReadFace> {
  const { spec, store, state } = job;
  const { output, faces } = spec.manifest;
  const labels = labelsOf(spec);
  const lists = { store, folder: dataFolder(output, spec.id, state.generation), merge: state.merge };
  const budget = createBudget(limits.maxReviewLabelBytes);
  const inputs = readInputs(lists, limits);
  const marker = await openMarker(job.before, limits);
  let item: InputItem | null = null;
  let isNew = true;
  let index = 0;
  for await (const text of readLabelLines(lists, limits, budget)) {
    const record = parseRecord(text);
    if (item === null || countsAsInput(record, faces)) {
      do {
        const next: IteratorResult<InputItem> = await inputs.next();
        if (next.done) throw new ScoringError("manifest_lost", "the job's inputs do not hold those of its labels");
        item = next.value;
        isNew = await marker(item);
        // An input whose chunk was lost has no records.
      } while (item.key !== record.key || (item.id !== record.id && item.id !== record.id.replace(/#\d+$/, "")));
    }
    const label = findTopLabel(record);
    if (record.status === "scored" && label !== null && record.probabilities !== null) {
      const probabilities = labels.map((one) => probabilityOf(record, one) ?? 0);
      yield { record, item, index, label: labels.indexOf(label), probabilities, isNew };
    }
    index += 1;
  }
}

type Budget = (key: string, bytes: number) => void;

function createBudget(most: number): Budget {
  let left = most;
  return (key, bytes) => {
    left -= bytes;
    if (left >= 0) return;
    throw new ScoringError("quota_exceeded", `${key}: a review reads at most ${most} bytes of labels`);
  };
}

/** Lines of all lists of the frozen inputs. */
async function* readInputs(lists: InputLists, limits: Limits): AsyncGenerator<InputItem, undefined> {
  for (let list = 0; list < countInputLists(lists); list += 1) {
    const key = nameInputList(lists, list);
    const pieces = await openPieces(lists.store, key, limits, () => undefined);
    for await (const text of splitTexts(pieces, limits)) yield inputItemSchema.parse(JSON.parse(text));
  }
  return undefined;
}

async function* readLabelLines(lists: InputLists, limits: Limits, budget: Budget): AsyncGenerator<string> {
  const { store, folder, merge } = lists;
  if (merge === undefined) {
    yield* splitTexts(await openPieces(store, `${folder}${LABEL_FILES.jsonl.name}`, limits, budget), limits);
    return;
  }
  for (let range = 0; range < merge.total; range += 1) {
    const key = `${folder}${RANGE_NAMES.labels(range, "jsonl", merge.rewritten?.[range] ?? 0)}`;
    // What counts is what they hold, not what they take.
    const pieces = await openPieces(store, key, limits, () => undefined);
    yield* splitTexts(inflate(pieces, key, budget), limits);
  }
}

async function openPieces(
  store: ObjectStore,
  key: string,
  limits: Limits,
  budget: Budget,
): Promise<AsyncIterable<Piece>> {
  const object = await store.head(key);
  if (object === null)
    throw new ScoringError("conflict", `${key} does not exist: a review needs the job's labels as JSONL`);
  budget(key, object.size);
  return readPieces(store, object, 0, limits.reviewWindowBytes, () => true);
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

/** Says of each input whether the run before had the same picture; inputs come in order. */
async function openMarker(before: InputLists | null, limits: Limits): Promise<(item: InputItem) => Promise<boolean>> {
  const unbounded = { ...limits, plan: { ...limits.plan, maxReads: Number.POSITIVE_INFINITY } };
  const lines: PriorLines | null = before === null ? null : await openPriorLines(before, "start", unbounded);
  return async (item) => {
    if (lines === null) return true;
    let line = await lines.peek();
    while (line !== null && compareItems(line, item) < 0) {
      lines.next();
      line = await lines.peek();
    }
    if (line === null || compareItems(line, item) !== 0) return true;
    lines.next();
    return line.id !== item.id || item.etag === null || line.etag !== item.etag;
  };
}
