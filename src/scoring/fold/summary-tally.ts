/**
 * Counts and fixed-point sums over records: the part of a summary that the whole job and each group share.
 *
 * Every sum is an integer, since float sums depend on their order. Records hold probabilities at 6 decimals, so a
 * millionth is the unit and nothing is lost: a sum over 10^8 faces is at most 2·10^14, far below 2^53 (9·10^15).
 */

import { LABELS, type Label } from "../../model/labels.ts";
import { ScoringError } from "../../errors.ts";
import { findTopLabel, OUTCOMES, type Outcome, type ScoreRecord } from "../records/records.ts";
import { createQualityBuilder, mergeQuality, type QualitySummary } from "./summary-quality.ts";

/** Bins of the histogram of the top probability. */
export const CONFIDENCE_BINS = 20;
/** Bins of the expected calibration error (Guo et al. 2017, "On Calibration of Modern Neural Networks"). */
export const CALIBRATION_BINS = 15;
/** One in fixed point: probabilities, margins and entropies are summed in millionths. */
export const MICRO = 1_000_000;

/** A picture taken for a face crop is about square: its longer side is at most so many of its shorter ones. */
const MAX_CROP_ASPECT = 1.25;

/** Scored faces whose true label is known. */
export interface TruthSummary {
  /** Row-major counts, one row and column a label: row true label, column predicted label. */
  readonly confusion: readonly number[];
  /** Per calibration bin: faces, correct ones, and the sum of their top probability in millionths. */
  readonly calibration: {
    readonly faces: readonly number[];
    readonly correct: readonly number[];
    readonly confidence: readonly number[];
  };
}

/** Scored faces whose label was not given. */
export interface AbstentionSummary {
  /** By the label that was not given. */
  readonly labels: readonly number[];
  /** Those whose true label is known, and those of them where the label would have been right. */
  readonly judged: number;
  readonly correct: number;
}

/** Counts and sums of a set of records. */
export interface TallySummary {
  /** Inputs by outcome. An input with several faces counts once. */
  readonly inputs: Readonly<Record<Outcome, number>>;
  /** Inputs by `outcome/error code`, keys sorted, none zero. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Inputs that came with a true label, scored or not. */
  readonly labelled: number;
  /** Scored faces by most probable label, given or not: shares and their corrections rest on all of them. */
  readonly labels: readonly number[];
  /** Of these, the faces whose label was not given; `null` where all were. Missing means `null`, in summaries of before. */
  readonly abstained?: AbstentionSummary | null;
  /** Sums of the probabilities, millionths. */
  readonly probabilities: readonly number[];
  /** Sum of entropies, millionths of a nat. */
  readonly entropy: number;
  /** Sum of margins, millionths. */
  readonly margin: number;
  /** Scored faces by top probability, {@link CONFIDENCE_BINS} bins of equal width; bin i holds [i/20, (i+1)/20), the last one also 1. */
  readonly confidence: readonly number[];
  readonly truth: TruthSummary | null;
  readonly quality: QualitySummary | null;
  /** Faces that are a whole picture by contract, though it is not about square. Missing means 0, in summaries of before. */
  readonly oblong?: number;
}

/** A tally while it is being added to. */
export interface TallyBuilder {
  /** Adds one record; `countsAsInput` is false for the second and later faces of one picture. */
  add(record: ScoreRecord, countsAsInput: boolean): void;
  /** The tally so far, as plain JSON. */
  build(): TallySummary;
}

const zeros = (length: number): number[] => Array.from({ length }, () => 0);

/** The tally of no record: the identity of {@link mergeTallies} for as many labels. */
export function emptyTally(labels = LABELS.length): TallySummary {
  return {
    inputs: { scored: 0, no_face: 0, skipped: 0, failed: 0, cancelled: 0, expired: 0 },
    reasons: {},
    labelled: 0,
    labels: zeros(labels),
    abstained: null,
    probabilities: zeros(labels),
    entropy: 0,
    margin: 0,
    confidence: zeros(CONFIDENCE_BINS),
    truth: null,
    quality: null,
    oblong: 0,
  };
}

function isOblong({ face }: ScoreRecord): boolean {
  if (face === null || face.score !== null) return false;
  const { width, height } = face.box;
  return Math.max(width, height) > MAX_CROP_ASPECT * Math.min(width, height);
}

/** 0-based histogram bin of a top probability in millionths, in integers so that no rounding moves an edge. */
export function confidenceBin(micro: number): number {
  return Math.min(CONFIDENCE_BINS - 1, Math.floor((micro * CONFIDENCE_BINS) / MICRO));
}

/** 0-based calibration bin: bin m holds ((m−1)/15, m/15], as Guo et al. define it. */
export function calibrationBin(micro: number): number {
  return Math.max(0, Math.ceil((micro * CALIBRATION_BINS) / MICRO) - 1);
}

const increment = (counts: number[], index: number, by = 1): void => {
  counts[index] = (counts[index] ?? 0) + by;
};

/** A builder that starts from nothing. */
export function createTallyBuilder(labels: readonly Label[] = LABELS): TallyBuilder {
  const count = labels.length;
  const places = new Map(labels.map((label, at) => [label, at]));
  const inputs: Record<Outcome, number> = { ...emptyTally().inputs };
  const tally = {
    labelled: 0,
    labels: zeros(count),
    probabilities: zeros(count),
    entropy: 0,
    margin: 0,
    confidence: zeros(CONFIDENCE_BINS),
    oblong: 0,
  };
  const reasons = new Map<string, number>();
  const confusion = zeros(count * count);
  const calibration = {
    faces: zeros(CALIBRATION_BINS),
    correct: zeros(CALIBRATION_BINS),
    confidence: zeros(CALIBRATION_BINS),
  };
  let judged = 0;
  const abstained = { labels: zeros(count), faces: 0, judged: 0, correct: 0 };
  const quality = createQualityBuilder();

  function addFace(record: ScoreRecord, label: Label, probabilities: Readonly<Record<Label, number>>): void {
    const predicted = places.get(label);
    if (predicted === undefined) throw new ScoringError("internal", `${record.id}: ${label} is no label of its model`);
    const micros = labels.map((one) => Math.round((probabilities[one] ?? 0) * MICRO));
    const top = micros[predicted] ?? 0;
    increment(tally.labels, predicted);
    for (const [index, micro] of micros.entries()) increment(tally.probabilities, index, micro);
    tally.entropy += Math.round((record.entropy ?? 0) * MICRO);
    tally.margin += Math.round((record.margin ?? 0) * MICRO);
    increment(tally.confidence, confidenceBin(top));
    tally.oblong += isOblong(record) ? 1 : 0;
    if (record.abstained !== undefined) {
      increment(abstained.labels, predicted);
      abstained.faces += 1;
      abstained.judged += record.truth === null ? 0 : 1;
      abstained.correct += record.truth === label ? 1 : 0;
    }
    const truth = record.truth === null ? undefined : places.get(record.truth);
    if (truth === undefined) return;
    judged += 1;
    const bin = calibrationBin(top);
    increment(confusion, truth * count + predicted);
    increment(calibration.faces, bin);
    increment(calibration.correct, bin, record.truth === label ? 1 : 0);
    increment(calibration.confidence, bin, top);
  }

  return {
    add(record, countsAsInput) {
      if (countsAsInput) {
        inputs[record.status] += 1;
        if (record.truth !== null) tally.labelled += 1;
        if (record.error !== null) {
          const reason = `${record.status}/${record.error.code}`;
          reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
        }
      }
      const label = record.status === "scored" ? findTopLabel(record) : null;
      if (label !== null && record.probabilities !== null) addFace(record, label, record.probabilities);
      if (record.quality) quality.add(record.quality);
    },
    build: () => ({
      inputs: { ...inputs },
      reasons: sortCounts(reasons),
      labelled: tally.labelled,
      labels: [...tally.labels],
      abstained:
        abstained.faces === 0
          ? null
          : { labels: [...abstained.labels], judged: abstained.judged, correct: abstained.correct },
      probabilities: [...tally.probabilities],
      entropy: tally.entropy,
      margin: tally.margin,
      confidence: [...tally.confidence],
      truth:
        judged === 0
          ? null
          : {
              confusion: [...confusion],
              calibration: {
                faces: [...calibration.faces],
                correct: [...calibration.correct],
                confidence: [...calibration.confidence],
              },
            },
      quality: quality.build(),
      oblong: tally.oblong,
    }),
  };
}

/** An object with sorted keys, so that equal summaries are equal as text. The keys are our own, never hostile. */
function sortCounts(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

const addLists = (a: readonly number[], b: readonly number[]): number[] =>
  a.map((value, index) => value + (b[index] ?? 0));

function mergeTruth(a: TruthSummary | null, b: TruthSummary | null): TruthSummary | null {
  if (a === null) return b;
  if (b === null) return a;
  return {
    confusion: addLists(a.confusion, b.confusion),
    calibration: {
      faces: addLists(a.calibration.faces, b.calibration.faces),
      correct: addLists(a.calibration.correct, b.calibration.correct),
      confidence: addLists(a.calibration.confidence, b.calibration.confidence),
    },
  };
}

function mergeAbstained(a: AbstentionSummary | null, b: AbstentionSummary | null): AbstentionSummary | null {
  if (a === null || b === null) return a ?? b;
  return { labels: addLists(a.labels, b.labels), judged: a.judged + b.judged, correct: a.correct + b.correct };
}

/** Sum of two tallies: associative and commutative exactly, with {@link emptyTally} as identity. */
export function mergeTallies(a: TallySummary, b: TallySummary): TallySummary {
  const inputs: Record<Outcome, number> = { ...a.inputs };
  for (const outcome of OUTCOMES) inputs[outcome] += b.inputs[outcome];
  const reasons = new Map(Object.entries(a.reasons));
  for (const [reason, count] of Object.entries(b.reasons)) reasons.set(reason, (reasons.get(reason) ?? 0) + count);
  return {
    inputs,
    reasons: sortCounts(reasons),
    labelled: a.labelled + b.labelled,
    labels: addLists(a.labels, b.labels),
    abstained: mergeAbstained(a.abstained ?? null, b.abstained ?? null),
    probabilities: addLists(a.probabilities, b.probabilities),
    entropy: a.entropy + b.entropy,
    margin: a.margin + b.margin,
    confidence: addLists(a.confidence, b.confidence),
    truth: mergeTruth(a.truth, b.truth),
    quality: mergeQuality(a.quality, b.quality),
    oblong: (a.oblong ?? 0) + (b.oblong ?? 0),
  };
}

/** Scored faces of a tally. */
export function countFaces(tally: TallySummary): number {
  return tally.labels.reduce((sum, count) => sum + count, 0);
}

/** Inputs of a tally, over all outcomes. */
export function countInputs(tally: TallySummary): number {
  return OUTCOMES.reduce((sum, outcome) => sum + tally.inputs[outcome], 0);
}
