/** Two jobs over the same pictures, face by face: a fold over pairs, whatever order the two come in. */

import type { Label } from "../../model/labels.ts";
import { computeKappa } from "./agreement.ts";
import { computeWilson, type ShareInterval } from "./intervals.ts";
import { type CondensedRecord, pairFaces, type Records } from "./pair-faces.ts";
import { computePairedDifference, testMcNemar } from "./paired.ts";

/** What one of the two jobs says of a face. */
export interface FaceOpinion {
  readonly label: Label;
  /** Of the label, 0…1. */
  readonly probability: number;
}

/** One face of both jobs. */
export interface FaceDifference {
  readonly id: string;
  readonly truth: Label | null;
  readonly first: FaceOpinion;
  readonly second: FaceOpinion;
  /** Half the sum of the differences of all probabilities, 0…1: 1 where the two have nothing in common. */
  readonly distance: number;
}

/** How often a job is right where the truth is known. */
export interface PairedTruth {
  /** Faces of both jobs with a true label. */
  readonly faces: number;
  readonly first: ShareInterval | null;
  readonly second: ShareInterval | null;
  /** Accuracy of the second minus that of the first, −1…1, paired. */
  readonly difference: ShareInterval | null;
  /** Faces that only the first, or only the second is right about. */
  readonly onlyFirst: number;
  readonly onlySecond: number;
  /** McNemar's mid-p of those two. */
  readonly p: number;
}

/** Two jobs side by side. Labels are the most probable ones, given or not. All intervals are of 95 %. */
export interface FaceComparison {
  readonly faces: {
    /** Scored by both. */
    readonly compared: number;
    /** In both, scored by the first, by the second, or by none. */
    readonly scoredByFirst: number;
    readonly scoredBySecond: number;
    readonly scoredByNone: number;
    /** Records that only one of the two has. */
    readonly onlyFirst: number;
    readonly onlySecond: number;
  };
  readonly agreement: {
    readonly agreed: number;
    readonly share: ShareInterval | null;
    /** Cohen's κ. */
    readonly kappa: number | null;
  };
  /** Each job's labels in its model's order; `counts[row][column]` has the first's as rows, the second's as columns. */
  readonly confusion: {
    readonly first: readonly Label[];
    readonly second: readonly Label[];
    readonly counts: readonly (readonly number[])[];
  };
  /** Of every label of either, over the compared faces. */
  readonly shares: readonly {
    readonly label: Label;
    readonly first: number;
    readonly second: number;
    /** Second minus first, −1…1, paired. */
    readonly difference: ShareInterval | null;
  }[];
  /** `null` where no compared face has a true label. */
  readonly truth: PairedTruth | null;
  /** The faces that the two see most differently, the farthest first. */
  readonly farthest: readonly FaceDifference[];
}

/** Choices of {@link compareFaces}. */
export interface CompareOptions {
  /** Records of one job that may wait for the other's; jobs in one order need hardly any. */
  readonly maxWaiting: number;
  /** Length of `farthest`; default 20. */
  readonly maxSamples?: number;
  /** Told of every pair, with the pairs so far. */
  readonly onPair?: (pairs: number) => void;
}

/**
 * Compares the records of two jobs by their ids; of an id that comes more than once, the first with the first, and so on.
 * @throws ScoringError `validation_failed` where more than `maxWaiting` records of a job wait for the other's
 */
export async function compareFaces(first: Records, second: Records, options: CompareOptions): Promise<FaceComparison> {
  const { maxWaiting, maxSamples = 20, onPair } = options;
  const tally = makeTally(maxSamples);
  let pairs = 0;
  for await (const pair of pairFaces(first, second, maxWaiting)) {
    if (pair.isWhole) tally.add(pair.id, pair.first, pair.second);
    else tally.leaveOut(pair.isFirst);
    if (pair.isWhole) onPair?.(++pairs);
  }
  return tally.finish();
}

function measureDistance(first: CondensedRecord, second: CondensedRecord): number {
  const all = new Map(first.labels.map((label, at) => [label, first.probabilities[at] ?? 0]));
  for (const [at, label] of second.labels.entries()) {
    all.set(label, (all.get(label) ?? 0) - (second.probabilities[at] ?? 0));
  }
  return Math.min(1, [...all.values()].reduce((sum, difference) => sum + Math.abs(difference), 0) / 2);
}

const stateOpinion = ({ label, labels: known, probabilities }: CondensedRecord): FaceOpinion => ({
  label: label ?? "",
  probability: probabilities[known.indexOf(label ?? "")] ?? 0,
});

const compareDistances = (a: FaceDifference, b: FaceDifference): number =>
  b.distance - a.distance || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

function makeTally(maxSamples: number) {
  const labels = { first: new Set<Label>(), second: new Set<Label>() };
  const counts = new Map<Label, Map<Label, number>>();
  const scored = { byFirst: 0, bySecond: 0, byNone: 0 };
  const alone = { onlyFirst: 0, onlySecond: 0 };
  const right = { both: 0, first: 0, second: 0, neither: 0 };
  const samples: FaceDifference[] = [];
  return {
    add(id: string, first: CondensedRecord, second: CondensedRecord): void {
      if (first.label === null || second.label === null) {
        if (first.label !== null) scored.byFirst += 1;
        else if (second.label !== null) scored.bySecond += 1;
        else scored.byNone += 1;
        return;
      }
      for (const label of first.labels) labels.first.add(label);
      for (const label of second.labels) labels.second.add(label);
      const row = counts.get(first.label) ?? new Map<Label, number>();
      counts.set(first.label, row.set(second.label, (row.get(second.label) ?? 0) + 1));
      // Two truths that contradict each other are none.
      const truth =
        (first.truth ?? second.truth) === (second.truth ?? first.truth) ? (first.truth ?? second.truth) : null;
      if (truth !== null) {
        const [one, two] = [first.label === truth, second.label === truth];
        right[one ? (two ? "both" : "first") : two ? "second" : "neither"] += 1;
      }
      const distance = measureDistance(first, second);
      samples.push({ id, truth, first: stateOpinion(first), second: stateOpinion(second), distance });
      // Keeps memory bounded without sorting at every face.
      if (samples.length > 4 * maxSamples + 64) samples.sort(compareDistances).splice(maxSamples);
    },
    leaveOut(isFirst: boolean): void {
      alone[isFirst ? "onlyFirst" : "onlySecond"] += 1;
    },
    finish(): FaceComparison {
      const [rows, columns] = [[...labels.first], [...labels.second]];
      const matrix = rows.map((row) => columns.map((column) => counts.get(row)?.get(column) ?? 0));
      const { compared, agreed, shares } = countShares(rows, columns, matrix);
      const known = right.both + right.first + right.second + right.neither;
      return {
        faces: {
          compared,
          scoredByFirst: scored.byFirst,
          scoredBySecond: scored.bySecond,
          scoredByNone: scored.byNone,
          ...alone,
        },
        agreement: {
          agreed,
          share: computeWilson(agreed, compared),
          kappa: computeKappa(listPairs(rows, columns, matrix)),
        },
        confusion: { first: rows, second: columns, counts: matrix },
        shares,
        truth:
          known === 0
            ? null
            : {
                faces: known,
                first: computeWilson(right.both + right.first, known),
                second: computeWilson(right.both + right.second, known),
                difference: computePairedDifference(right),
                onlyFirst: right.first,
                onlySecond: right.second,
                p: testMcNemar(right.first, right.second),
              },
        farthest: samples
          .sort(compareDistances)
          .slice(0, maxSamples)
          .filter(({ distance }) => distance > 0),
      };
    },
  };
}

/** Both labels of every face, as numbers that are one label's in both jobs. */
function* listPairs(
  rows: readonly Label[],
  columns: readonly Label[],
  matrix: readonly (readonly number[])[],
): Generator<readonly [number, number]> {
  const all = [...new Set([...rows, ...columns])];
  for (const [row, counts] of matrix.entries()) {
    for (const [column, count] of counts.entries()) {
      const pair = [all.indexOf(rows[row] ?? ""), all.indexOf(columns[column] ?? "")] as const;
      for (let face = 0; face < count; face += 1) yield pair;
    }
  }
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

function countShares(rows: readonly Label[], columns: readonly Label[], matrix: readonly (readonly number[])[]) {
  const compared = sumOf(matrix.map(sumOf));
  const cells = [...new Set([...rows, ...columns])].map((label) => {
    const [row, column] = [rows.indexOf(label), columns.indexOf(label)];
    const both = matrix[row]?.[column] ?? 0;
    const first = sumOf(matrix[row] ?? []) - both;
    const second = sumOf(matrix.map((counts) => counts[column] ?? 0)) - both;
    return { label, both, first, second, neither: compared - both - first - second };
  });
  const shareOf = (count: number): number => (compared === 0 ? 0 : count / compared);
  return {
    compared,
    agreed: sumOf(cells.map(({ both }) => both)),
    shares: cells.map(({ label, ...counts }) => ({
      label,
      first: shareOf(counts.both + counts.first),
      second: shareOf(counts.both + counts.second),
      difference: computePairedDifference(counts),
    })),
  };
}
