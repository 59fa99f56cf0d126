/** One input's record, for every way an input can end. */

import { ScoringError, type ErrorCode } from "../../errors.ts";
import type { Box } from "../../model/face-finder.ts";
import { type PixelForm, toGray } from "../../image/preprocess.ts";
import type { Scores } from "../../model/classifier.ts";
import { isConfident, type Thresholds } from "../../model/abstention.ts";
import { deriveVerdict, rowOf, type Verdict } from "../../model/softmax.ts";
import { roundMicro } from "../records/field-types.ts";
import type { SelectedFace } from "./faces.ts";
import type { Outcome, PipelineVersion, QualityRecord, ScoreRecord } from "../records/records.ts";
import type { InputItem } from "../records/input-item.ts";

/** What all records of a job share. */
export interface RecordStamp {
  /** `name@version`. */
  readonly model: string;
  readonly pipeline: PipelineVersion;
  /** Where labels are given only from these probabilities on. */
  readonly thresholds?: Thresholds | undefined;
  /** Whether scored records hold the model's embedding. */
  readonly embedding?: boolean | undefined;
}

/** The label of a face, or that it was not given: decided on the probability at the 6 decimals of the record. */
export function giveLabel(
  { label, labelIndex, probabilities }: Pick<Verdict, "label" | "labelIndex" | "probabilities">,
  thresholds: Thresholds | undefined,
): Pick<ScoreRecord, "label" | "abstained"> {
  if (thresholds === undefined || isConfident(thresholds, labelIndex, roundMicro(probabilities[labelIndex]!))) {
    return { label };
  }
  return { label: null, abstained: { label, threshold: thresholds[labelIndex] ?? null } };
}

/** A record without a face: failed, skipped, no face, canceled, expired. */
export function makePlainRecord(
  item: InputItem,
  stamp: RecordStamp,
  status: Outcome,
  error: { code: ErrorCode; message: string } | null,
  etag: string | null = item.etag,
): ScoreRecord {
  return {
    id: item.id,
    key: item.key,
    etag,
    status,
    label: null,
    probabilities: null,
    margin: null,
    entropy: null,
    face: null,
    groups: item.groups ?? {},
    truth: item.label ?? null,
    quality: null,
    model: stamp.model,
    pipeline: stamp.pipeline,
    error,
  };
}

/** One face on its way through the classifier. */
export interface PendingFace {
  readonly item: InputItem;
  readonly etag: string;
  readonly selected: SelectedFace;
  /** Number among the picture's faces with `faces: "all"`, else `null`. */
  readonly ordinal: number | null;
  readonly quality: QualityRecord;
  /** Of the picture, where it was not this package's own. */
  readonly decoder?: string;
  /** Size of the picture, pixels, for the box of a whole image. */
  readonly width: number;
  readonly height: number;
}

/**
 * The record of a scored face; `row` is its place in `scores`.
 * @throws ScoringError `model_invalid` if a probability is not a number: weights so large that a layer overflows
 */
export function makeScoredRecord(
  face: PendingFace,
  labels: readonly string[],
  scores: Scores,
  row: number,
  stamp: RecordStamp,
): ScoreRecord {
  const verdict = deriveVerdict(labels, rowOf(scores.probabilities, row, labels.length));
  if (!verdict.probabilities.every(Number.isFinite)) {
    throw new ScoringError("model_invalid", `the scores of ${stamp.model} are not finite: its weights overflow`);
  }
  const { item, selected } = face;
  const whole = { x: 0, y: 0, width: face.width, height: face.height };
  const theta = scores.theta === null ? null : [...scores.theta.subarray(row * 6, row * 6 + 6)];
  return {
    id: face.ordinal === null ? item.id : `${item.id}#${face.ordinal}`,
    key: item.key,
    etag: face.etag,
    status: "scored",
    ...giveLabel(verdict, stamp.thresholds),
    probabilities: nameProbabilities(labels, verdict.probabilities),
    margin: verdict.margin,
    entropy: verdict.entropy,
    face: {
      box: selected.box === null ? whole : clipBox(selected.box, face),
      score: selected.score,
      eyes: selected.eyes,
      theta,
    },
    ...(stamp.embedding === true && scores.embedding !== null
      ? { embedding: [...rowOf(scores.embedding, row, scores.embedding.length / scores.count)] }
      : {}),
    groups: item.groups ?? {},
    truth: item.label ?? null,
    quality: face.quality,
    ...(face.decoder !== undefined && { decoder: face.decoder }),
    model: stamp.model,
    pipeline: stamp.pipeline,
    error: null,
  };
}

/** Probabilities in the order of the labels, by name. */
export function nameProbabilities(labels: readonly string[], values: ArrayLike<number>): Record<string, number> {
  return Object.fromEntries(labels.map((label, at) => [label, values[at] ?? 0]));
}

const clip = (position: number, length: number): number => Math.max(0, Math.min(length, position));

/** The part of a box that lies in its picture; one that lies wholly outside has no size. */
function clipBox(box: Box, picture: { readonly width: number; readonly height: number }): Box {
  const x = clip(box.x, picture.width);
  const y = clip(box.y, picture.height);
  return {
    x,
    y,
    width: clip(box.x + box.width, picture.width) - x,
    height: clip(box.y + box.height, picture.height) - y,
  };
}

/** Brightness and contrast of one preprocessed face, in gray. @param side shorter side of the face before it was resized, pixels */
export function measureQuality(pixels: Uint8Array, form: PixelForm, side: number): QualityRecord {
  const area = form.size * form.size;
  const gray = form.color === "gray" ? pixels : toGray(pixels, form);
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < area; i++) {
    const value = gray[i]!;
    sum += value;
    squares += value * value;
  }
  const brightness = sum / area;
  return { brightness, contrast: Math.sqrt(Math.max(0, squares / area - brightness * brightness)), side };
}
