/** What a run takes over from the previous one: the records of objects that did not change, if scoring would give the same. */

import { toFaceOptions } from "../chunk/faces.ts";
import type { ChunkScores } from "../chunk/score-chunk.ts";
import { type JobSpec, labelsOf } from "../job/job-spec.ts";
import { groupByInput } from "../records/record-groups.ts";
import type { ScoreRecord } from "../records/records.ts";
import type { InputItem } from "../records/input-item.ts";
import type { PriorRecords, PriorRun } from "./prior-run.ts";

const MODEL = "the model";
const WEIGHTS = "the model's weights";
const CARD = "what the model's card says of scores";
const PIPELINE = "the preprocessing";

/** Changes after which the labels of two runs are those of two models. */
export const MODEL_CHANGES: ReadonlySet<string> = new Set([MODEL, WEIGHTS, CARD, PIPELINE]);

/** All that a record depends on beside the picture, by what people call it. */
function describeMaking({ manifest, ...made }: JobSpec) {
  const { input, format, tta, output } = manifest;
  return new Map<string, unknown>([
    [MODEL, made.model],
    [WEIGHTS, made.modelSha256],
    [CARD, made.modelForm],
    [PIPELINE, made.pipeline],
    ["the labels", labelsOf(made)],
    ["the face finder", made.faceFinder ?? null],
    ["the store of the inputs", input.store],
    ["the format of the inputs", format],
    ["the options of faces", toFaceOptions(manifest)],
    ["mirroring", tta],
    ["the thresholds of labels", made.thresholds ?? null],
    ["whether records hold embeddings", output.embedding ?? false],
  ]);
}

/** What differs between two jobs so that a picture may get another record, in words; empty: it gets the same. */
export function listChanges(spec: JobSpec, before: JobSpec): readonly string[] {
  const [now, then] = [describeMaking(spec), describeMaking(before)];
  const changes = [...now.keys()].filter((name) => JSON.stringify(now.get(name)) !== JSON.stringify(then.get(name)));
  // One word says it all: another model has other weights and another card.
  if (changes.includes(MODEL)) return [MODEL];
  // Jobs of before it was noted say nothing of the card: weights alone count there.
  const isNoted = [spec, before].every(({ modelForm }) => modelForm !== undefined);
  return changes.filter((name) => name !== CARD || (isNoted && !changes.includes(WEIGHTS)));
}

/** Whether these records of the previous run can stand for an item: the object is the same version, and was read then. */
export function isCarried(item: InputItem, before: readonly ScoreRecord[] | undefined): boolean {
  const [first] = before ?? [];
  if (first === undefined || item.etag === null || first.etag !== item.etag) return false;
  if (first.status === "skipped") return first.error?.code === "face_too_small";
  return first.status === "scored" || first.status === "no_face";
}

/** The records as this run writes them, with the group names and true labels of its own manifest. */
export function carryRecords(item: InputItem, before: readonly ScoreRecord[]): readonly ScoreRecord[] {
  return before.map((record) => ({ ...record, groups: item.groups ?? {}, truth: item.label ?? null }));
}

/** The records of these items in the previous run. */
export function readPriorRecords(prior: PriorRun, items: readonly InputItem[]): Promise<PriorRecords> {
  return prior.readRecords(items.map((item) => item.prior).filter((position) => position !== undefined));
}

/** Records of one item in the previous run. */
export function findBefore(item: InputItem, before: PriorRecords): readonly ScoreRecord[] | undefined {
  const records = item.prior === undefined ? undefined : before.get(item.prior);
  // Positions shift when an image is erased from the previous run.
  return records?.[0]?.key === item.key ? records : undefined;
}

/**
 * The records of a chunk: carried where nothing changed, the rest by `score`. In input order either way.
 * @param prior the previous run; `null` scores everything
 */
export async function scoreChanged(
  prior: PriorRun | null,
  spec: JobSpec,
  items: readonly InputItem[],
  score: (items: readonly InputItem[]) => Promise<ChunkScores>,
): Promise<ChunkScores> {
  if (prior === null || listChanges(spec, prior.spec).length > 0) return score(items);
  const before = await readPriorRecords(prior, items);
  const carried = new Map<number, readonly ScoreRecord[]>();
  for (const item of items) {
    const records = findBefore(item, before);
    if (records !== undefined && isCarried(item, records)) carried.set(item.index, carryRecords(item, records));
  }
  const fresh = items.filter(({ index }) => !carried.has(index));
  const scores = fresh.length === 0 ? { records: [], reads: 0, readBytes: 0, stop: null } : await score(fresh);
  const scored = groupByInput(scores.records, spec.manifest.faces);
  const { stop } = scores;
  // If scoring stopped early, the finished inputs are those before the first one without records.
  const inputs = stop === null ? items.length : items.indexOf(fresh[stop.inputs]!);
  let at = 0;
  const records = items.slice(0, inputs).flatMap(({ index }) => carried.get(index) ?? scored[at++] ?? []);
  return { ...scores, records, stop: stop === null ? null : { ...stop, inputs } };
}
