/** What a run takes over from the previous one: the records of objects that did not change, if scoring would give the same. */

import { toFaceOptions } from "../chunk/faces.ts";
import type { ChunkScores } from "../chunk/score-chunk.ts";
import { type JobSpec, labelsOf } from "../job/job-spec.ts";
import { groupByInput } from "../records/record-groups.ts";
import type { ScoreRecord } from "../records/records.ts";
import type { InputItem } from "../records/input-item.ts";
import type { PriorRecords, PriorRun } from "./prior-run.ts";

/** Whether the same picture gets the same record in both jobs: model, preprocessing, face finder and every option that a record depends on. */
export function canCarry(spec: JobSpec, before: JobSpec): boolean {
  const [now, then] = [spec, before].map(({ manifest, labels, thresholds = null, faceFinder = null, ...made }) => {
    const { input, format, tta } = manifest;
    const { embedding = false } = manifest.output;
    const options = [
      labelsOf({ ...(labels && { labels }) }),
      embedding,
      format,
      toFaceOptions(manifest),
      tta,
      thresholds,
    ];
    return JSON.stringify([made.model, made.modelSha256, made.pipeline, faceFinder, input.store, ...options]);
  });
  return now === then;
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
  if (prior === null || !canCarry(spec, prior.spec)) return score(items);
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
