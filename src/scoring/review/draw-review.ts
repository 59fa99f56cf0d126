/** Draws a job's review: one pass over its records and its inputs, side by side. */

import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { countsAsInput } from "../records/record-groups.ts";
import { inputItemSchema, type InputItem } from "../records/input-item.ts";
import { readLines } from "../inputs/lines.ts";
import { readPieces } from "../inputs/range-reader.ts";
import { type JobSpec, labelsOf } from "../job/job-spec.ts";
import { LABEL_FILES, OUTPUT_NAMES } from "../keys.ts";
import type { Limits } from "../limits.ts";
import { parseRecord } from "../records/record-line.ts";
import { findTopLabel, probabilityOf, type ScoreRecord } from "../records/records.ts";
import type { Report } from "../report/report.ts";
import { parseStored } from "../stored-json.ts";
import { createSampleDraw, type DrawnFace, type SampleDraw } from "./draw-sample.ts";
import type { DesignFace } from "./review-store.ts";
import {
  allocateSample,
  chooseKeys,
  chooseSize,
  expectHalfWidth,
  groupCells,
  type PlannedStratum,
} from "./sample-design.ts";

/** What a review should be. */
export interface DrawRequest {
  /** Faces to draw; `null` if {@link halfWidth} decides. */
  readonly size: number | null;
  /** Half width that the widest 95 % interval should have, 0…1. */
  readonly halfWidth: number | null;
  /** `groupBy` name of the job to stratify the sample by. */
  readonly by: string | null;
  readonly seed: number;
}

/** A review before it is stored. */
export interface DrawnReview {
  readonly size: number;
  /** Expected half width of the widest of the labels' 95 % intervals, if the model's probabilities are calibrated. */
  readonly halfWidth: number;
  readonly population: number;
  readonly strata: readonly PlannedStratum[];
  readonly faces: readonly DesignFace[];
}

interface Candidate extends DrawnFace {
  readonly face: Omit<DesignFace, "stratum" | "probabilities">;
}

/**
 * Draws a sample of an ended job's scored faces. The same seed draws the same.
 * @param folder of the job's current generation
 * @throws ScoringError `conflict` without records to draw from, `quota_exceeded` for more records than one request reads,
 *   `validation_failed` for a size that is too small for the strata or a group that the job does not have
 */
export async function drawReview(
  store: ObjectStore,
  folder: string,
  spec: JobSpec,
  request: DrawRequest,
  limits: Limits,
): Promise<DrawnReview> {
  const known = request.by === null ? null : await readGroupValues(store, folder, request.by, limits);
  const draw = createSampleDraw<Candidate>(request.seed, request.size ?? limits.maxReviewFaces);
  await addRecords(draw, readFaces(store, folder, spec, limits), request.by, known, labelsOf(spec));
  const cells = draw.cells();
  const population = cells.reduce((sum, cell) => sum + cell.population, 0);
  if (population === 0) throw new ScoringError("conflict", "the job has no scored face to review");
  const size = Math.min(
    population,
    request.size ?? chooseSize(cells, request.halfWidth ?? 0.05, limits.maxReviewFaces),
  );
  const planned = groupCells(cells, chooseKeys(cells, size));
  const { strata, faces } = draw.finish(size);
  return {
    size,
    halfWidth: expectHalfWidth(planned, allocateSample(planned, size)),
    population,
    strata,
    faces: faces.map(({ face, stratum }) => ({ ...face.face, stratum, probabilities: face.probabilities })),
  };
}

async function addRecords(
  draw: SampleDraw<Candidate>,
  faces: AsyncIterable<{ readonly record: ScoreRecord; readonly item: InputItem; readonly index: number }>,
  by: string | null,
  known: ReadonlySet<string> | null,
  labels: readonly string[],
): Promise<void> {
  for await (const { record, item, index } of faces) {
    const { probabilities, margin, face, id } = record;
    const label = findTopLabel(record);
    if (record.status !== "scored" || label === null || probabilities === null) continue;
    const value = by !== null && Object.hasOwn(record.groups, by) ? (record.groups[by] ?? null) : null;
    draw.add(
      {
        index,
        label: labels.indexOf(label),
        margin: margin ?? 0,
        probabilities: labels.map((one) => probabilityOf(record, one) ?? 0),
        face: { id, item, box: face === null || face.score === null ? null : face.box },
      },
      value !== null && known?.has(value) === true ? value : null,
    );
  }
}

/** Every record with its input; both lists are in the order of the inputs. */
async function* readFaces(
  store: ObjectStore,
  folder: string,
  spec: JobSpec,
  limits: Limits,
): AsyncGenerator<{ record: ScoreRecord; item: InputItem; index: number }> {
  const inputs = readTexts(store, `${folder}${OUTPUT_NAMES.input}`, limits);
  let item: InputItem | null = null;
  let index = 0;
  for await (const text of readTexts(store, `${folder}${LABEL_FILES.jsonl.name}`, limits)) {
    const record = parseRecord(text);
    if (item === null || countsAsInput(record, spec.manifest.faces)) {
      do {
        const next: IteratorResult<string> = await inputs.next();
        if (next.done) throw new ScoringError("manifest_lost", "input.jsonl does not hold the inputs of labels.jsonl");
        item = inputItemSchema.parse(JSON.parse(next.value));
        // An input whose chunk was lost has no records.
      } while (item.key !== record.key || (item.id !== record.id && item.id !== record.id.replace(/#\d+$/, "")));
    }
    yield { record, item, index };
    index += 1;
  }
}

async function* readTexts(store: ObjectStore, key: string, limits: Limits): AsyncGenerator<string, undefined> {
  const object = await store.head(key);
  if (object === null)
    throw new ScoringError("conflict", `${key} does not exist: a review needs the job's labels as JSONL`);
  if (object.size > limits.maxReviewLabelBytes) {
    throw new ScoringError(
      "quota_exceeded",
      `${key} has ${object.size} bytes: a review reads at most ${limits.maxReviewLabelBytes}`,
    );
  }
  const pieces = readPieces(store, object, 0, limits.reviewWindowBytes, () => true);
  const decoder = new TextDecoder();
  for await (const line of readLines(pieces, { offset: 0, line: 1, skipping: false }, limits.plan.maxLineBytes)) {
    if (line.kind === "line" && line.bytes.length > 0) yield decoder.decode(line.bytes);
  }
  return undefined;
}

/** The largest groups of a name that the report shows: only these get strata, and with them figures of their own. */
async function readGroupValues(
  store: ObjectStore,
  folder: string,
  by: string,
  limits: Limits,
): Promise<ReadonlySet<string>> {
  const found = await store.read(`${folder}${OUTPUT_NAMES.reportJson}`, { maxBytes: limits.maxPartBytes });
  if (found.kind !== "found")
    throw new ScoringError("conflict", "report.json does not exist: groups are taken from it");
  const { groups } = parseStored<Pick<Report, "groups">>(new TextDecoder().decode(found.bytes));
  const named = groups.find(({ key }) => key === by);
  if (named === undefined) {
    const names = JSON.stringify(groups.map(({ key }) => key));
    throw new ScoringError("validation_failed", `by: the job has no groups by ${JSON.stringify(by)}, only by ${names}`);
  }
  // Most faces first, without groups that are too small to be shown.
  const values = named.groups.flatMap(({ kind, value }) => (kind === "value" && value !== null ? [value] : []));
  return new Set(values.slice(0, limits.maxReviewGroups));
}
