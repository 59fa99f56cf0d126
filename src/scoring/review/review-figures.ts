/** The figures of a review: shares, accuracy, precision and recall on the job's own pictures, and how far its readers agree. */

import { LABELS, type Label } from "../../model/labels.ts";
import { type Agreement, computeAlpha, computeKappa, estimateAgreement } from "../statistics/agreement.ts";
import type { FairnessAudit } from "../statistics/fairness.ts";
import type { ShareInterval } from "../statistics/intervals.ts";
import {
  computeEstimateInterval,
  estimateByPrediction,
  estimateBySample,
  estimateRatio,
  type SampledStratum,
} from "../statistics/stratified.ts";
import type { FaceAnswers, ReviewedFace, ReviewStratum } from "./answers.ts";
import { auditReview } from "./review-fairness.ts";
import { fitReview, type ReviewFit } from "./review-fit.ts";
import { type AnsweredStratum, gatherAnswers, sampleHits, sampleLabel } from "./review-strata.ts";

/** One label of a set of faces. Shares are 0…1, intervals 95 %. */
export interface ReviewedLabel {
  readonly label: Label;
  /** Share of the faces to which the model gave this label. */
  readonly model: number;
  /** That share corrected for the confusions of the model's evaluation set, as the report has it; `null` where it has none. */
  readonly corrected: ShareInterval | null;
  /** Share by the readers' answers alone (Horvitz–Thompson). */
  readonly review: ShareInterval;
  /** Share by answers and probabilities together (prediction-powered). */
  readonly powered: ShareInterval;
  /** How much the probabilities counted, 0…1. */
  readonly lambda: number;
  /** Of the faces to which the model gave this label, the share that have it; `null` if it gave it to none. */
  readonly precision: ShareInterval | null;
  /** Of the faces that have this label, the share to which the model gave it; `null` if none was found. */
  readonly recall: ShareInterval | null;
}

/** Figures of all faces, or of one group. */
export interface ReviewedFaces {
  readonly faces: number;
  readonly answered: number;
  readonly labels: readonly ReviewedLabel[];
  readonly accuracy: ShareInterval;
  /** Mean probability of the model's label: its accuracy, if it were calibrated. */
  readonly meanConfidence: number;
}

/** One value of the group that the sample is stratified by; `null` for all others together. */
export interface ReviewedGroup {
  readonly value: string | null;
  readonly figures: ReviewedFaces;
}

/** How fast a reader went. */
export interface ReaderFigures {
  readonly reader: string;
  readonly answered: number;
  readonly cannotSay: number;
}

/** What a review says. */
export interface ReviewFigures {
  /** Faces of the sample, those that somebody has answered, and those with a label. */
  readonly drawn: number;
  readonly seen: number;
  readonly answered: number;
  /** Answers that are missing before there can be figures; 0 if there are figures. */
  readonly missing: number;
  readonly readers: readonly ReaderFigures[];
  /** Share of the job's faces that readers cannot label; the other figures are about the rest. */
  readonly cannotSay: ShareInterval | null;
  readonly total: ReviewedFaces | null;
  readonly groups: readonly ReviewedGroup[];
  readonly agreement: { readonly alpha: Agreement | null; readonly kappa: Agreement | null } | null;
  readonly fit: ReviewFit | null;
  /** Gaps between the groups that the sample is stratified by; `null` where fewer than two have answers enough. */
  readonly fairness: FairnessAudit | null;
}

/** What {@link describeReview} needs to compare groups. */
export interface GroupAudit {
  /** Name of the groups. */
  readonly key: string;
  /** Labeled faces that a group must have. */
  readonly minAnswers: number;
}

/** The figures of some strata, which must hold two answers each, or one of a single face. */
export function describeStrata(strata: readonly AnsweredStratum[], labels: readonly Label[] = LABELS): ReviewedFaces {
  const faces = strata.reduce((sum, { population }) => sum + population, 0);
  const ownSum = strata.reduce((sum, { label, probabilities }) => sum + (probabilities[label] ?? 0), 0);
  return {
    faces,
    answered: strata.reduce((sum, stratum) => sum + stratum.faces.length, 0),
    labels: labels.map((label, index) => describeLabel(strata, label, index, faces)),
    accuracy: computeEstimateInterval(estimateByPrediction(sampleHits(strata))),
    meanConfidence: ownSum / faces,
  };
}

function describeLabel(strata: readonly AnsweredStratum[], label: Label, index: number, faces: number): ReviewedLabel {
  const sampled = sampleLabel(strata, index);
  const powered = estimateByPrediction(sampled);
  const called = strata.filter((stratum) => stratum.label === index);
  return {
    label,
    model: called.reduce((sum, { population }) => sum + population, 0) / faces,
    corrected: null,
    review: computeEstimateInterval(estimateBySample(sampled)),
    powered: computeEstimateInterval(powered),
    lambda: powered.lambda,
    precision: called.length === 0 ? null : computeEstimateInterval(estimateByPrediction(sampleLabel(called, index))),
    recall: powered.allZero
      ? null
      : estimateRatio(
          powered,
          strata.map((stratum) => stratum.label === index),
        ),
  };
}

/**
 * Everything that a review says.
 * @param seed of the bootstrap of the readers' agreement
 * @param audit compares the groups; `null`: there are none
 */
export function describeReview(
  design: { readonly strata: readonly ReviewStratum[]; readonly faces: readonly ReviewedFace[] },
  answers: ReadonlyMap<number, FaceAnswers>,
  seed: number,
  labels: readonly Label[] = LABELS,
  audit: GroupAudit | null = null,
): ReviewFigures {
  const { strata, missing } = gatherAnswers(design.strata, design.faces, answers, labels);
  const ready = missing === 0 && strata.length > 0;
  const values = [...new Set(strata.map(({ group }) => group))];
  return {
    // Erased faces keep their position and are in no stratum.
    drawn: design.faces.filter(({ stratum }) => stratum >= 0).length,
    seen: answers.size,
    answered: strata.reduce((sum, { faces }) => sum + faces.length, 0),
    missing,
    readers: listReaders(answers),
    cannotSay: estimateCannotSay(design, answers),
    total: ready ? describeStrata(strata, labels) : null,
    groups:
      ready && values.some((value) => value !== null)
        ? values.map((value) => ({
            value,
            figures: describeStrata(
              strata.filter(({ group }) => group === value),
              labels,
            ),
          }))
        : [],
    agreement: measureAgreement(answers, seed, labels),
    fit: ready ? fitReview(strata, labels) : null,
    fairness: ready && audit !== null ? auditReview(audit.key, strata, labels, audit.minAnswers) : null,
  };
}

function listReaders(answers: ReadonlyMap<number, FaceAnswers>): ReaderFigures[] {
  const readers = new Map<string, { answered: number; cannotSay: number }>();
  for (const face of answers.values()) {
    for (const [reader, label] of face) {
      const counts = readers.get(reader) ?? { answered: 0, cannotSay: 0 };
      readers.set(reader, counts);
      counts.answered += 1;
      if (label === null) counts.cannotSay += 1;
    }
  }
  return [...readers].sort(([a], [b]) => (a < b ? -1 : 1)).map(([reader, counts]) => ({ reader, ...counts }));
}

/** `null` until every stratum has answers. */
function estimateCannotSay(
  design: { readonly strata: readonly ReviewStratum[]; readonly faces: readonly ReviewedFace[] },
  answers: ReadonlyMap<number, FaceAnswers>,
): ShareInterval | null {
  const values: number[][] = design.strata.map(() => []);
  for (const [at, { stratum }] of design.faces.entries()) {
    const given = [...(answers.get(at)?.values() ?? [])];
    if (given.length > 0) values[stratum]?.push(given.filter((label) => label === null).length / given.length);
  }
  const sampled = design.strata.map(({ population }, index): SampledStratum => {
    const seen = values[index] ?? [];
    return { population, meanPrediction: 0, values: seen, predictions: seen.map(() => 0) };
  });
  if (sampled.length === 0 || sampled.some((stratum) => stratum.values.length === 0)) return null;
  return computeEstimateInterval(estimateBySample(sampled));
}

function measureAgreement(
  answers: ReadonlyMap<number, FaceAnswers>,
  seed: number,
  labels: readonly Label[],
): ReviewFigures["agreement"] {
  const readers = listReaders(answers).map(({ reader }) => reader);
  if (readers.length < 2) return null;
  const units = [...answers.values()].map((face) =>
    readers.map((reader) => {
      const label = face.get(reader) ?? null;
      return label === null ? null : labels.indexOf(label);
    }),
  );
  return {
    alpha: estimateAgreement(units, computeAlpha, seed),
    kappa: readers.length === 2 ? estimateAgreement(units, computeKappa, seed) : null,
  };
}
