/**
 * How a review's sample is stratified: by predicted label, margin band and group, and how many faces each stratum gives.
 * Neyman's allocation (Neyman 1934; Cochran 1977, ch. 5.5) by the variance that the model's own probabilities imply, with a floor.
 */

import { ScoringError } from "../../errors.ts";

/** Upper ends of the margin bands; the last band has the rest. Low margins are where labels are wrong. */
export const MARGIN_BANDS = [0.25, 0.6] as const;

/** One cell of faces with the same chance of being drawn. */
export interface StratumKey {
  /** Predicted label, index in label order. */
  readonly label: number;
  /** Margin band, 0 being the least sure; `null` where a label has one stratum. */
  readonly band: number | null;
  /** Value of the group that the sample is stratified by; `null` for all others, and without such a group. */
  readonly group: string | null;
}

/** What is known about a stratum before anybody answers: sums over all its faces. */
export interface StratumTotals {
  readonly key: StratumKey;
  readonly population: number;
  /** Sums of the probabilities, and of their squares. */
  readonly probabilities: readonly number[];
  readonly squares: readonly number[];
}

/** A stratum with the faces that it gives. */
export interface PlannedStratum extends StratumTotals {
  readonly allocated: number;
}

/** Faces that each stratum gives at least: below two there is no variance, and a little more survives a reader's "cannot say". */
export const STRATUM_FLOOR = 4;

/** Least standard deviation of a stratum: models are surer than they are right. */
const MIN_DEVIATION = Math.sqrt(0.02);

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** The band of a margin. */
export function findBand(margin: number): number {
  const band = MARGIN_BANDS.findIndex((end) => margin < end);
  return band < 0 ? MARGIN_BANDS.length : band;
}

/** A stratum's name, the same for equal keys. */
export function nameStratum({ label, band, group }: StratumKey): string {
  return JSON.stringify([label, band, group]);
}

/** The standard deviation of the true label that the model's probabilities imply: √Σ p(1−p), of all labels together. */
export function computeDeviation({ population, squares }: StratumTotals): number {
  const certain = squares.reduce((sum, square) => sum + square, 0) / Math.max(1, population);
  return Math.max(MIN_DEVIATION, Math.sqrt(Math.max(0, 1 - certain)));
}

/** Merges several strata into one. */
export function mergeStrata(key: StratumKey, strata: readonly StratumTotals[]): StratumTotals {
  const addUp = (read: (stratum: StratumTotals) => readonly number[]): number[] =>
    (strata[0] === undefined ? [] : read(strata[0])).map((_, label) =>
      strata.reduce((sum, stratum) => sum + (read(stratum)[label] ?? 0), 0),
    );
  return {
    key,
    population: strata.reduce((sum, { population }) => sum + population, 0),
    probabilities: addUp(({ probabilities }) => probabilities),
    squares: addUp(({ squares }) => squares),
  };
}

/**
 * The key that a cell's faces are drawn under in a sample of `size`: with its band, or without where the floors of all
 * cells would take more than half of the sample.
 */
export function chooseKeys(cells: readonly StratumTotals[], size: number): (key: StratumKey) => StratumKey {
  const floors = cells.reduce((sum, { population }) => sum + Math.min(population, STRATUM_FLOOR), 0);
  return floors <= size / 2 ? (key) => key : ({ label, group }) => ({ label, band: null, group });
}

/** The fewest faces that a sample of these cells can have. */
export function countFloors(cells: readonly StratumTotals[]): number {
  return groupCells(cells, chooseKeys(cells, 0)).reduce(
    (sum, { population }) => sum + Math.min(population, STRATUM_FLOOR),
    0,
  );
}

/**
 * How many faces each stratum gives, in the order of the strata: in proportion to its size times its deviation, at least
 * {@link STRATUM_FLOOR} (or all of it), at most all. The sum is `size`, or all faces where there are fewer.
 * @throws ScoringError `validation_failed` if the floors alone are more than `size`
 */
export function allocateSample(strata: readonly StratumTotals[], size: number): number[] {
  const floors = strata.map(({ population }) => Math.min(population, STRATUM_FLOOR));
  const least = floors.reduce((sum, floor) => sum + floor, 0);
  if (least > size) {
    throw new ScoringError(
      "validation_failed",
      `size: ${size} pictures are too few for ${strata.length} strata: ask for ${least} or more, or for no groups`,
    );
  }
  const wants = strata.map((stratum) => stratum.population * computeDeviation(stratum));
  const allocate = (factor: number): number[] =>
    strata.map(({ population }, index) =>
      Math.min(population, Math.max(floors[index] ?? 0, factor * (wants[index] ?? 0))),
    );
  const total = Math.min(
    size,
    strata.reduce((sum, { population }) => sum + population, 0),
  );
  let [low, high] = [0, 1 / MIN_DEVIATION];
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (sumOf(allocate(middle)) < total) low = middle;
    else high = middle;
  }
  return roundShares(allocate(high), total);
}

/** Whole numbers that sum to `total`, each next to its share: the largest remainders are rounded up. */
function roundShares(shares: readonly number[], total: number): number[] {
  const rounded = shares.map(Math.floor);
  let left = total - rounded.reduce((sum, value) => sum + value, 0);
  const byRemainder = shares
    .map((share, index) => ({ index, remainder: share - Math.floor(share) }))
    .sort((a, b) => b.remainder - a.remainder || a.index - b.index);
  for (const { index, remainder } of byRemainder) {
    if (left <= 0 || remainder === 0) break;
    rounded[index] = (rounded[index] ?? 0) + 1;
    left -= 1;
  }
  return rounded;
}

/** Quantile of the normal distribution for 95 %. */
const Z_95 = 1.96;

/**
 * The half width that the widest of the labels' 95 % intervals will have, 0…1, if the model's probabilities are calibrated and
 * add nothing further: that of the review alone.
 */
export function expectHalfWidth(strata: readonly StratumTotals[], allocation: readonly number[]): number {
  const total = strata.reduce((sum, { population }) => sum + population, 0);
  const variances = (strata[0]?.probabilities ?? []).map((_, label) =>
    strata.reduce((sum, { population, probabilities }, index) => {
      const share = (probabilities[label] ?? 0) / population;
      const drawn = allocation[index] ?? 0;
      if (drawn === 0) return sum;
      return sum + ((population / total) ** 2 * (1 - drawn / population) * share * (1 - share)) / drawn;
    }, 0),
  );
  return Z_95 * Math.sqrt(Math.max(0, ...variances));
}

/** The fewest faces with which {@link expectHalfWidth} is at most `halfWidth`; at most `most`, even if those give a wider interval. */
export function chooseSize(cells: readonly StratumTotals[], halfWidth: number, most: number): number {
  const expect = (size: number): number => {
    const strata = groupCells(cells, chooseKeys(cells, size));
    const least = strata.reduce((sum, { population }) => sum + Math.min(population, STRATUM_FLOOR), 0);
    return least > size ? Number.POSITIVE_INFINITY : expectHalfWidth(strata, allocateSample(strata, size));
  };
  let [low, high] = [(cells[0]?.probabilities.length ?? 1) * STRATUM_FLOOR, most];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (expect(middle) <= halfWidth) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The cells as the strata that they are drawn under, in the order of their first cell. */
export function groupCells(cells: readonly StratumTotals[], toKey: (key: StratumKey) => StratumKey): StratumTotals[] {
  const groups = new Map<string, { key: StratumKey; cells: StratumTotals[] }>();
  for (const cell of cells) {
    const key = toKey(cell.key);
    const name = nameStratum(key);
    const group = groups.get(name) ?? { key, cells: [] };
    groups.set(name, group);
    group.cells.push(cell);
  }
  return [...groups.values()].map((group) => mergeStrata(group.key, group.cells));
}
