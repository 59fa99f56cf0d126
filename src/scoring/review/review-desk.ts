/** The operations on a job's review: drawing it, answering it, reading its figures. */

import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import type { Caller } from "../access/access.ts";
import { guardStore } from "../access/guarded-store.ts";
import type { InputLists } from "../inputs/job-inputs.ts";
import { isErasing } from "../job/erasure.ts";
import { type JobSpec, labelsOf } from "../job/job-spec.ts";
import type { JobState } from "../job/job-state.ts";
import { isEnded } from "../job/job-status.ts";
import { dataFolder, jobFolder, OUTPUT_NAMES } from "../keys.ts";
import type { Limits } from "../limits.ts";
import { type Answer, listAnswers, readAnswers, type ReviewLine } from "./answers.ts";
import { drawReview, type DrawRequest } from "./draw-review.ts";
import type { Report } from "../report/report.ts";
import { parseStored } from "../stored-json.ts";
import { addCorrected } from "./corrected-shares.ts";
import { describeReview, type ReviewFigures } from "./review-figures.ts";
import {
  appendLines,
  createDesign,
  type DesignFace,
  readDesign,
  readLines,
  type ReviewDesign,
} from "./review-store.ts";

/** The ports that drawing a review and reading its figures work with. */
export interface DrawDeps {
  openJob(jobId: string): {
    read(): Promise<{ readonly spec: JobSpec; readonly state: JobState } | null>;
  };
  /** @throws ScoringError `unknown_store` */
  openStore(name: string): ObjectStore;
  clock(): number;
  readonly limits: Limits;
}

/** The ports that a review works with. */
export interface ReviewDeps extends DrawDeps {
  openJob(jobId: string): ReturnType<DrawDeps["openJob"]> & { owner(): Promise<string | null> };
}

/** A job with the place of its review. */
export interface ReviewedJob {
  readonly spec: JobSpec;
  readonly state: JobState;
  /** Of the outputs. */
  readonly store: ObjectStore;
  /** The job's folder of generation 0, where the review lies. */
  readonly root: string;
}

/** What is known about a review before and after it is drawn. */
export interface ReviewPlan {
  /** 0 where no picture is new: then there is no review. */
  readonly size: number;
  /** Expected half width of the widest 95 % interval, 0…1. */
  readonly halfWidth: number;
  /** Scored faces of the job. */
  readonly population: number;
  readonly strata: number;
}

/** A review with its figures so far. */
export interface ReviewView {
  readonly createdAt: string;
  readonly seed: number;
  readonly by: string | null;
  /** Whether only pictures were drawn that the run before did not have. */
  readonly newOnly: boolean;
  readonly readers: readonly string[];
  readonly figures: ReviewFigures;
}

/** A face as its reader may see it: without anything that the model said. */
export interface ReaderFace {
  /** Its position in the sample. */
  readonly at: number;
  /** Where the face is in its picture, in pixels; `null` where the picture is the face. */
  readonly box: DesignFace["box"];
  /** What this reader last said about it; `null` for nothing. */
  readonly answer: Exclude<Answer, "undone"> | null;
}

/** One answer as a reader gives it. */
export interface GivenAnswer {
  readonly at: number;
  readonly label: Answer;
  readonly seconds: number;
}

/** @throws ScoringError `not_found` */
export async function openReviewedJob(deps: DrawDeps, id: string): Promise<ReviewedJob> {
  const known = await deps.openJob(id).read();
  if (known === null) throw new ScoringError("not_found", `there is no job ${id}`);
  const { output } = known.spec.manifest;
  return { ...known, store: deps.openStore(output.store), root: jobFolder(output.prefix, id) };
}

/** @throws ScoringError `not_found` */
export async function requireDesign(deps: DrawDeps, { store, root }: ReviewedJob): Promise<ReviewDesign> {
  const design = await readDesign(store, root, deps.limits);
  if (design === null) throw new ScoringError("not_found", "the job has no review: draw one first");
  return design;
}

/** Draws a review and stores it, or says what it would be. @throws ScoringError as {@link drawReview}; `conflict` if there is one already */
export async function createReview(
  deps: DrawDeps,
  id: string,
  request: DrawRequest & { readonly readers: readonly string[]; readonly dryRun: boolean },
): Promise<ReviewPlan> {
  const job = await openReviewedJob(deps, id);
  const { spec, state, store, root } = job;
  if (!isEnded(state.status))
    throw new ScoringError("conflict", `the job is ${state.status}: review it once it has ended`);
  if (isErasing(state)) throw new ScoringError("conflict", "an image is being erased from the job: draw after that");
  if (!request.dryRun && (await readDesign(store, root, deps.limits)) !== null) {
    throw new ScoringError("conflict", "the job has a review: delete it before another is drawn");
  }
  const { by, seed, readers, newOnly = false } = request;
  const before = newOnly ? await openBefore(deps, spec) : null;
  const drawn = await drawReview({ spec, state, store, before }, request, deps.limits);
  const { size, halfWidth, population, strata, faces } = drawn;
  if (!request.dryRun && size > 0) {
    const createdAt = new Date(deps.clock()).toISOString();
    const design = { version: 1, createdAt, seed, by, readers, ...(newOnly && { newOnly }), strata, faces } as const;
    await createDesign(store, root, design);
  }
  return { size, halfWidth, population, strata: strata.length };
}

/** The frozen inputs of the run before, as far as the job's key may read them; `null` if there was none, or it is gone. */
async function openBefore(deps: DrawDeps, { schedule, owner }: JobSpec): Promise<InputLists | null> {
  const id = schedule?.previousJobId ?? null;
  const known = id === null ? null : await deps.openJob(id).read();
  if (id === null || known === null) return null;
  const { output } = known.spec.manifest;
  const store = guardStore(deps.openStore(output.store), output.store, owner?.grants ?? null);
  return { store, folder: dataFolder(output, id, known.state.generation), merge: known.state.merge };
}

/** The review's figures from all answers so far, with the corrected shares of the report beside them. */
export async function readReview(deps: DrawDeps, id: string): Promise<ReviewView> {
  const job = await openReviewedJob(deps, id);
  const view = await readFigures(deps, job);
  // The report is about all pictures.
  if (view.newOnly) return view;
  const { manifest } = job.spec;
  const folder = jobFolder(manifest.output.prefix, id, job.state.generation);
  const found = await job.store.read(`${folder}${OUTPUT_NAMES.reportJson}`, { maxBytes: deps.limits.maxPartBytes });
  if (found.kind !== "found") return view;
  const report = parseStored<Pick<Report, "total" | "groups">>(new TextDecoder().decode(found.bytes));
  return { ...view, figures: addCorrected(view.figures, report, view.by) };
}

/** The figures alone. @throws ScoringError `not_found` */
export async function readFigures(deps: DrawDeps, job: ReviewedJob): Promise<ReviewView> {
  const design = await requireDesign(deps, job);
  const lines = await readLines(job.store, job.root, deps.limits);
  const faces = design.faces.map((face) => face ?? { stratum: -1, probabilities: [] });
  const { createdAt, seed, by, readers, strata, newOnly = false } = design;
  const audit = by === null ? null : { key: by, minAnswers: job.spec.manifest.minGroupSize };
  const figures = describeReview({ strata, faces }, readAnswers(lines), seed, labelsOf(job.spec), audit);
  return { createdAt, seed, by, newOnly, readers, figures };
}

/**
 * The review for one who answers it: the job's own key, an admin, or a key that the draw named.
 * @throws ScoringError `not_found` for all other keys, as if there were no job
 */
export async function openForReader(
  deps: ReviewDeps,
  id: string,
  caller: Caller,
): Promise<{ readonly job: ReviewedJob; readonly design: ReviewDesign }> {
  const isOwner = caller.scopes.includes("admin") || (await deps.openJob(id).owner()) === caller.keyId;
  const job = await openReviewedJob(deps, id);
  const design = await readDesign(job.store, job.root, deps.limits);
  if (!isOwner && design?.readers.includes(caller.keyId) !== true) {
    throw new ScoringError("not_found", `there is no job ${id}`);
  }
  if (design === null) throw new ScoringError("not_found", "the job has no review: draw one first");
  return { job, design };
}

/** The faces in reading order, with this reader's own answers and nobody else's. */
export async function listReaderFaces(
  deps: ReviewDeps,
  id: string,
  caller: Caller,
  reader: string,
): Promise<readonly ReaderFace[]> {
  const { job, design } = await openForReader(deps, id, caller);
  const answers = readAnswers(await readLines(job.store, job.root, deps.limits));
  return design.faces.flatMap((face, at): ReaderFace[] => {
    if (face === null) return [];
    const answer = answers.get(at)?.get(reader);
    return [{ at, box: face.box, answer: answer === undefined ? null : (answer ?? "cannot say") }];
  });
}

/** Adds a reader's answers; the job that they are about. @throws ScoringError `validation_failed` for a face that was not drawn */
export async function answerReview(
  deps: ReviewDeps,
  id: string,
  caller: Caller,
  reader: string,
  answers: readonly GivenAnswer[],
): Promise<JobSpec> {
  const { job, design } = await openForReader(deps, id, caller);
  const time = new Date(deps.clock()).toISOString();
  const known = listAnswers(labelsOf(job.spec));
  const lines = answers.flatMap(({ at, label, seconds }): ReviewLine[] => {
    if (!known.includes(label)) {
      throw new ScoringError("validation_failed", `answers: ${label} is none of ${known.join(", ")}`);
    }
    const face = design.faces[at];
    if (face === undefined) throw new ScoringError("validation_failed", `answers: the review has no face ${at}`);
    // Erased while it was being looked at.
    return face === null ? [] : [{ at, id: face.id, key: face.item.key, reader, label, time, seconds }];
  });
  await appendLines(job.store, job.root, lines, deps.limits);
  return job.spec;
}
