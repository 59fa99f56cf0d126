/** What is written for every input: the record. One shape from the chunk to the console. */

import type { ErrorCode } from "../../errors.ts";
import type { Eyes } from "../../model/face-finder.ts";
import { LABELS, type Label } from "../../model/labels.ts";

/** Every input ends in exactly one of these. */
export const OUTCOMES = ["scored", "no_face", "skipped", "failed", "cancelled", "expired"] as const;
/** The terminal outcome of one input. */
export type Outcome = (typeof OUTCOMES)[number];

/** Any change that can change a label raises it; results of two versions never merge. See docs/model.md, "Preprocessing, and its versions". */
export const PIPELINE_VERSIONS = [1, 2, 3] as const;
/** One of {@link PIPELINE_VERSIONS}. */
export type PipelineVersion = (typeof PIPELINE_VERSIONS)[number];

/** Form of a record's line: 2 names the probabilities, 1 had a list of seven in the order of FER2013's labels. Both are read, 2 is written. */
export const RECORD_SCHEMA = 2;

/** What the columns of a job's records depend on. */
export interface RecordShape {
  /** The model's, in its order. */
  readonly labels: readonly Label[];
  /** Whether records hold the model's embedding. */
  readonly embedding: boolean;
}

/** Of every shipped model. */
export const SHIPPED_SHAPE: RecordShape = { labels: LABELS, embedding: false };

/** Where the face was, in pixels of the picture after EXIF orientation. */
export interface FaceRecord {
  /** Inside the picture. */
  readonly box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  /** Detector's confidence 0…1; `null` where the whole image is the face by contract. */
  readonly score: number | null;
  /** Middles of the right and of the left eye; missing means `null`: the record comes from a finder without eyes, or nothing was searched. */
  readonly eyes?: Eyes | null;
  /** Spatial transformer's 2×3 matrix, row-major; `null` for models without one. */
  readonly theta: readonly number[] | null;
}

/** What the input looked like, for drift between runs: measured on the face as the network saw it. */
export interface QualityRecord {
  /** Mean gray value of the face, 0…255. */
  readonly brightness: number;
  /** Standard deviation of the gray values, 0…127.5. */
  readonly contrast: number;
  /** Shorter side of the face in pixels of the picture before it was resized. */
  readonly side: number;
}

/** One line of `labels.jsonl`. Fields that do not apply are `null`, never absent from the line. */
export interface ScoreRecord {
  /** The id of the input; with `faces: "all"`, `id#0`, `id#1`, … */
  readonly id: string;
  readonly key: string;
  readonly etag: string | null;
  readonly status: Outcome;
  /** `null` without a score, and where the job abstains: see `abstained`. */
  readonly label: Label | null;
  /** The label that was not given, since its probability is below the job's threshold; `threshold` is `null` where the model never earns that label. Missing: a label was given, or there is no score. */
  readonly abstained?: { readonly label: Label; readonly threshold: number | null };
  /** By label, in the model's order, rounded to 6 decimals. */
  readonly probabilities: Readonly<Record<Label, number>> | null;
  /** First minus second probability. */
  readonly margin: number | null;
  /** Nats. */
  readonly entropy: number | null;
  readonly face: FaceRecord | null;
  /** What the network made of the face, rounded to 6 decimals. Missing: the job did not ask for it, or there is no score. */
  readonly embedding?: readonly number[];
  readonly groups: Readonly<Record<string, string>>;
  readonly truth: Label | null;
  /** Missing means `null`: nothing was decoded. */
  readonly quality?: QualityRecord | null;
  /** What decoded the picture, where it was not this package: `sharp@` or `libheif-js@` and its version. Missing: this package, or nothing was decoded. */
  readonly decoder?: string;
  readonly model: string;
  readonly pipeline: PipelineVersion;
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
}

/** The most probable label of a scored face, given or not; `null` without a score. */
export function findTopLabel({ label, abstained }: Pick<ScoreRecord, "label" | "abstained">): Label | null {
  return label ?? abstained?.label ?? null;
}

/** The probability of a record's most probable label; `null` without a score. */
export function topProbability(record: Pick<ScoreRecord, "label" | "abstained" | "probabilities">): number | null {
  const label = findTopLabel(record);
  return label === null ? null : probabilityOf(record, label);
}

/** A record's probability of one label; `null` without a score. */
export function probabilityOf({ probabilities }: Pick<ScoreRecord, "probabilities">, label: Label): number | null {
  return probabilities !== null && Object.hasOwn(probabilities, label) ? (probabilities[label] ?? null) : null;
}
