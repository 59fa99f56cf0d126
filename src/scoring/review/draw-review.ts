/** Draws a job's review in one pass over its records. */

import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { jobFolder, OUTPUT_NAMES } from "../keys.ts";
import type { Limits } from "../limits.ts";
import type { Report } from "../report/report.ts";
import { parseStored } from "../stored-json.ts";
import { createSampleDraw, type DrawnFace } from "./draw-sample.ts";
import { type ReadJob, readFaces } from "./read-faces.ts";
import type { DesignFace } from "./review-store.ts";
import {
  allocateSample,
  chooseKeys,
  chooseSize,
  countFloors,
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
  /** Only faces of pictures that the run before did not have; absent: all. */
  readonly newOnly?: boolean;
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
 * Draws a sample of an ended job's scored faces. The same seed draws the same. Where only new pictures are wanted and none is, it is empty.
 * @throws ScoringError `conflict` without records to draw from, `quota_exceeded` for more records than one request reads,
 *   `validation_failed` for a size that is too small for the strata or a group that the job does not have
 */
export async function drawReview(job: ReadJob, request: DrawRequest, limits: Limits): Promise<DrawnReview> {
  const { spec, state, store } = job;
  const { by, newOnly = false } = request;
  const folder = jobFolder(spec.manifest.output.prefix, spec.id, state.generation);
  const known = by === null ? null : await readGroupValues(store, folder, by, limits);
  const draw = createSampleDraw<Candidate>(request.seed, request.size ?? limits.maxReviewFaces);
  for await (const { record, item, index, label, probabilities, isNew } of readFaces(job, limits)) {
    if (newOnly && !isNew) continue;
    const { margin, face, id, groups } = record;
    const value = by !== null && Object.hasOwn(groups, by) ? (groups[by] ?? null) : null;
    const box = face === null || face.score === null ? null : face.box;
    draw.add(
      { index, label, margin: margin ?? 0, probabilities, face: { id, item, box } },
      value !== null && known?.has(value) === true ? value : null,
    );
  }
  const cells = draw.cells();
  const population = cells.reduce((sum, cell) => sum + cell.population, 0);
  if (population === 0) {
    if (newOnly) return { size: 0, halfWidth: 0, population, strata: [], faces: [] };
    throw new ScoringError("conflict", "the job has no scored face to review");
  }
  const wanted = request.size ?? chooseSize(cells, request.halfWidth ?? 0.05, limits.maxReviewFaces);
  // Nobody is there to ask for more where a schedule draws.
  const size = Math.min(population, newOnly ? Math.max(wanted, countFloors(cells)) : wanted);
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
