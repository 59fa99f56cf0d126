/**
 * A review as it lies in the store, beside the job's outputs: the design, written once, and the answers, one line each. Stores
 * cannot append: all lines are rewritten under the etag that was read, so that none is lost between two readers.
 */

import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import type { EraseTarget } from "../job/erasure-state.ts";
import { REVIEW_NAMES } from "../keys.ts";
import type { Limits } from "../limits.ts";
import type { FaceRecord } from "../records/records.ts";
import type { InputItem } from "../records/input-item.ts";
import { parseStored } from "../stored-json.ts";
import type { ReviewedFace, ReviewLine } from "./answers.ts";
import type { PlannedStratum } from "./sample-design.ts";

/** A face of the sample. */
export interface DesignFace extends ReviewedFace {
  /** Id of its record. */
  readonly id: string;
  readonly item: InputItem;
  /** Where the face is in its picture; `null` where the picture is the face. */
  readonly box: FaceRecord["box"] | null;
}

/** A review: who may answer it, and what was drawn. */
export interface ReviewDesign {
  readonly version: 1;
  /** ISO 8601 in UTC. */
  readonly createdAt: string;
  readonly seed: number;
  /** `groupBy` name that the sample is stratified by. */
  readonly by: string | null;
  /** Only pictures that the run before did not have; absent: all of the job. */
  readonly newOnly?: boolean;
  /** Ids of the API keys that may answer, beside the job's own. */
  readonly readers: readonly string[];
  readonly strata: readonly PlannedStratum[];
  /** In reading order; `null` where the image was erased. */
  readonly faces: readonly (DesignFace | null)[];
}

/** The design; `null` if the job has no review. @param root the job's folder, of generation 0 */
export async function readDesign(store: ObjectStore, root: string, limits: Limits): Promise<ReviewDesign | null> {
  const found = await store.read(`${root}${REVIEW_NAMES.design}`, { maxBytes: limits.maxReviewBytes });
  return found.kind === "found" ? parseStored<ReviewDesign>(new TextDecoder().decode(found.bytes)) : null;
}

/** Writes the design of a new review. @throws ScoringError `conflict` if the job has one */
export async function createDesign(store: ObjectStore, root: string, design: ReviewDesign): Promise<void> {
  const written = await store.put(`${root}${REVIEW_NAMES.design}`, JSON.stringify(design), {
    ifNoneMatch: "*",
    contentType: "application/json",
  });
  if (written.kind === "conflict")
    throw new ScoringError("conflict", "the job has a review: delete it before another is drawn");
}

/** Deletes the review: answers first, so that none is left without its design. */
export async function deleteReview(store: ObjectStore, root: string): Promise<void> {
  await store.delete([`${root}${REVIEW_NAMES.lines}`]);
  await store.delete([`${root}${REVIEW_NAMES.design}`]);
}

/** All lines with the etag that they were read under; `null` if there are no answers yet. */
async function readText(
  store: ObjectStore,
  root: string,
  limits: Limits,
): Promise<{ readonly text: string; readonly etag: string | null }> {
  const found = await store.read(`${root}${REVIEW_NAMES.lines}`, { maxBytes: limits.maxReviewBytes });
  if (found.kind === "too_large")
    throw new ScoringError("quota_exceeded", `reviews.jsonl has ${found.info.size} bytes`);
  if (found.kind !== "found") return { text: "", etag: null };
  return { text: new TextDecoder().decode(found.bytes), etag: found.info.etag };
}

const parseLines = (text: string): ReviewLine[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => parseStored<ReviewLine>(line));

/** The lines in the order in which they were written. */
export async function readLines(store: ObjectStore, root: string, limits: Limits): Promise<readonly ReviewLine[]> {
  return parseLines((await readText(store, root, limits)).text);
}

/** Replaces the lines by what `change` makes of them; nothing is written where that is the same text. */
async function rewriteLines(
  store: ObjectStore,
  root: string,
  limits: Limits,
  change: (text: string) => string,
): Promise<void> {
  for (let attempt = 0; attempt < limits.maxReviewAttempts; attempt += 1) {
    const { text, etag } = await readText(store, root, limits);
    const next = change(text);
    if (next === text) return;
    if (next.length > limits.maxReviewBytes) {
      throw new ScoringError("quota_exceeded", `reviews.jsonl: at most ${limits.maxReviewBytes} bytes`);
    }
    const condition = etag === null ? { ifNoneMatch: "*" as const } : { ifMatch: etag };
    const options = { ...condition, contentType: "application/x-ndjson" };
    const written = await store.put(`${root}${REVIEW_NAMES.lines}`, next, options);
    if (written.kind === "stored") return;
  }
  throw new ScoringError("store_throttled", "reviews.jsonl: too many readers write at once");
}

/** Adds lines. A line that repeats its reader's last answer for the face is left out, so that repeating a request adds nothing. */
export async function appendLines(
  store: ObjectStore,
  root: string,
  lines: readonly ReviewLine[],
  limits: Limits,
): Promise<void> {
  await rewriteLines(store, root, limits, (text) => {
    const last = new Map(parseLines(text).map(({ reader, at, label }) => [JSON.stringify([reader, at]), label]));
    let added = "";
    for (const line of lines) {
      const name = JSON.stringify([line.reader, line.at]);
      if (last.get(name) === line.label) continue;
      last.set(name, line.label);
      added += `${JSON.stringify(line)}\n`;
    }
    return text + added;
  });
}

/** Removes images from a review: their faces and all answers about them. May be repeated. */
export async function eraseFromReview(
  store: ObjectStore,
  root: string,
  targets: readonly EraseTarget[],
  limits: Limits,
): Promise<void> {
  const design = await readDesign(store, root, limits);
  if (design === null) return;
  const goes = (face: DesignFace): boolean =>
    targets.some(({ key, id }) => key === face.item.key && (id === null || id === face.item.id));
  const erased = new Set(design.faces.flatMap((face, at) => (face !== null && goes(face) ? [at] : [])));
  if (erased.size > 0) {
    const faces = design.faces.map((face, at) => (erased.has(at) ? null : face));
    await store.put(`${root}${REVIEW_NAMES.design}`, JSON.stringify({ ...design, faces }), {
      contentType: "application/json",
    });
  }
  // Also answers about faces that an earlier attempt has removed.
  const gone = new Set(design.faces.flatMap((face, at) => (face === null || erased.has(at) ? [at] : [])));
  if (gone.size === 0) return;
  await rewriteLines(store, root, limits, (text) =>
    parseLines(text)
      .filter(({ at }) => !gone.has(at))
      .map((line) => `${JSON.stringify(line)}\n`)
      .join(""),
  );
}
