/** Label flips: inputs that two runs call differently. A fold like the summaries: exact in any order. */

import { ScoringError } from "../../errors.ts";
import { LABELS, type Label } from "../../model/labels.ts";
import { findTopLabel, type ScoreRecord } from "../records/records.ts";

/** One input whose label changed. */
export interface FlipSample {
  readonly id: string;
  readonly from: Label;
  readonly to: Label;
  /** Smaller of the two margins: how sure both runs were. */
  readonly margin: number;
}

/** Two runs, input by input. */
export interface FlipSummary {
  /** Row-major, one row and column a label: row label before, column label after, of inputs that both runs scored. */
  readonly matrix: readonly number[];
  /** Flips of objects whose etag did not change: the pipe changed, not the picture. */
  readonly unchangedFlips: number;
  /** Inputs that only the later, or only the earlier run has. */
  readonly appeared: number;
  readonly vanished: number;
  /** Inputs of both runs that only the later, or only the earlier run scored. */
  readonly newlyScored: number;
  readonly noLongerScored: number;
  /** The surest flips, margin descending, then id; at most `maxSamples`. */
  readonly samples: readonly FlipSample[];
  readonly maxSamples: number;
}

/** The summary of no input: the identity of {@link mergeFlips}. */
export function emptyFlips(maxSamples = 20, labels = LABELS.length): FlipSummary {
  return {
    matrix: Array.from({ length: labels * labels }, () => 0),
    unchangedFlips: 0,
    appeared: 0,
    vanished: 0,
    newlyScored: 0,
    noLongerScored: 0,
    samples: [],
    maxSamples,
  };
}

/** One input of the two runs; `null` if a run lacks it. */
export type RecordPair = readonly [before: ScoreRecord | null, after: ScoreRecord | null];

const compareSamples = (a: FlipSample, b: FlipSample): number =>
  b.margin - a.margin || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

/** Folds pairs. */
export function summarizeFlips(
  pairs: Iterable<RecordPair>,
  maxSamples = 20,
  labels: readonly Label[] = LABELS,
): FlipSummary {
  const empty = emptyFlips(maxSamples, labels.length);
  const matrix = [...empty.matrix];
  const counts = { unchangedFlips: 0, appeared: 0, vanished: 0, newlyScored: 0, noLongerScored: 0 };
  const samples: FlipSample[] = [];
  for (const [before, after] of pairs) {
    if (before === null || after === null) {
      if (after !== null) counts.appeared += 1;
      else if (before !== null) counts.vanished += 1;
      continue;
    }
    // The most probable labels, so that another wish for certainty is no flip.
    const [from, to] = [findTopLabel(before), findTopLabel(after)];
    if (from === null || to === null) {
      if (to !== null) counts.newlyScored += 1;
      else if (from !== null) counts.noLongerScored += 1;
      continue;
    }
    const [row, column] = [labels.indexOf(from), labels.indexOf(to)];
    // Of a model with other labels: nothing can be said.
    if (row < 0 || column < 0) continue;
    const cell = row * labels.length + column;
    matrix[cell] = (matrix[cell] ?? 0) + 1;
    if (from === to) continue;
    if (before.etag !== null && before.etag === after.etag) counts.unchangedFlips += 1;
    const margin = Math.min(before.margin ?? 0, after.margin ?? 0);
    samples.push({ id: after.id, from, to, margin });
    // Keeps memory bounded without sorting at every flip.
    if (samples.length > 4 * maxSamples + 64) samples.sort(compareSamples).splice(maxSamples);
  }
  return { matrix, ...counts, samples: samples.sort(compareSamples).slice(0, maxSamples), maxSamples };
}

/** Sum of two summaries with the same `maxSamples`: associative and commutative. */
export function mergeFlips(a: FlipSummary, b: FlipSummary): FlipSummary {
  const maxSamples = Math.min(a.maxSamples, b.maxSamples);
  return {
    matrix: a.matrix.map((count, cell) => count + (b.matrix[cell] ?? 0)),
    unchangedFlips: a.unchangedFlips + b.unchangedFlips,
    appeared: a.appeared + b.appeared,
    vanished: a.vanished + b.vanished,
    newlyScored: a.newlyScored + b.newlyScored,
    noLongerScored: a.noLongerScored + b.noLongerScored,
    samples: [...a.samples, ...b.samples].sort(compareSamples).slice(0, maxSamples),
    maxSamples,
  };
}

/** Inputs that both runs scored, and those among them whose label changed. */
export function countFlips(flips: FlipSummary): { compared: number; flipped: number } {
  let compared = 0;
  let same = 0;
  for (const [cell, count] of flips.matrix.entries()) {
    compared += count;
    if (cell % (Math.sqrt(flips.matrix.length) + 1) === 0) same += count;
  }
  return { compared, flipped: compared - same };
}

/**
 * Merge-joins two runs by id, holding one record of each.
 * @param compare order of ids that both runs are sorted by; code units by default
 * @throws ScoringError `internal` if a run is not sorted so, or has an id twice
 */
export async function* joinRuns(
  before: AsyncIterable<ScoreRecord> | Iterable<ScoreRecord>,
  after: AsyncIterable<ScoreRecord> | Iterable<ScoreRecord>,
  compare: (a: string, b: string) => number = (a, b) => (a < b ? -1 : a > b ? 1 : 0),
): AsyncGenerator<RecordPair> {
  const left = readSorted(before, compare);
  const right = readSorted(after, compare);
  let a = await left.next();
  let b = await right.next();
  while (!a.done || !b.done) {
    const order = a.done ? 1 : b.done ? -1 : compare(a.value.id, b.value.id);
    yield [order <= 0 && !a.done ? a.value : null, order >= 0 && !b.done ? b.value : null];
    if (order <= 0) a = await left.next();
    if (order >= 0) b = await right.next();
  }
}

async function* readSorted(
  records: AsyncIterable<ScoreRecord> | Iterable<ScoreRecord>,
  compare: (a: string, b: string) => number,
): AsyncGenerator<ScoreRecord, undefined> {
  let last: string | null = null;
  for await (const record of records) {
    if (last !== null && compare(last, record.id) >= 0) {
      throw new ScoringError("internal", `runs cannot be joined: ${record.id} comes after ${last}`);
    }
    last = record.id;
    yield record;
  }
  return undefined;
}
