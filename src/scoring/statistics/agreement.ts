/** How far readers agree that labeled the same units without seeing each other's labels. */

import { createRandom } from "./random.ts";

/** Agreement with a percentile bootstrap interval over the units; 1 is perfect, 0 is chance. */
export interface Agreement {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** Units with labels of two readers or more. */
  readonly units: number;
}

/** Labels of one unit, `null` for a reader without one. */
export type UnitLabels = readonly (number | null)[];

/** Label pairs of a unit count 1/(readers − 1) each, so that a unit counts as many times as it was read. */
function countCoincidences(units: Iterable<UnitLabels>): Map<number, Map<number, number>> {
  const matrix = new Map<number, Map<number, number>>();
  for (const unit of units) {
    const labels = unit.filter((label) => label !== null);
    for (const [first, a] of labels.entries()) {
      for (const [second, b] of labels.entries()) {
        if (first === second) continue;
        const row = matrix.get(a) ?? new Map<number, number>();
        matrix.set(a, row.set(b, (row.get(b) ?? 0) + 1 / (labels.length - 1)));
      }
    }
  }
  return matrix;
}

/**
 * Krippendorff's α for nominal labels, any number of readers, missing labels allowed (Krippendorff 2011, "Computing
 * Krippendorff's alpha-reliability"). `null` where fewer than two labels can be paired, or all are one label.
 */
export function computeAlpha(units: Iterable<UnitLabels>): number | null {
  const matrix = countCoincidences(units);
  const totals = [...matrix].map(([label, row]) => ({
    label,
    total: [...row.values()].reduce((sum, count) => sum + count, 0),
  }));
  const all = totals.reduce((sum, { total }) => sum + total, 0);
  const agreed = totals.reduce((sum, { label }) => sum + (matrix.get(label)?.get(label) ?? 0), 0);
  const squares = totals.reduce((sum, { total }) => sum + total * total, 0);
  const expected = all * all - squares;
  return all < 2 || expected <= 0 ? null : 1 - ((all - 1) * (all - agreed)) / expected;
}

/**
 * Cohen's κ of two readers (Cohen 1960, Educational and Psychological Measurement 20:37–46), over the units that both
 * labeled. `null` where there are none, or chance alone would agree on all.
 */
export function computeKappa(units: Iterable<UnitLabels>): number | null {
  const rows = new Map<number, number>();
  const columns = new Map<number, number>();
  let both = 0;
  let agreed = 0;
  for (const [a, b] of units) {
    if (a === null || b === null || a === undefined || b === undefined) continue;
    both += 1;
    if (a === b) agreed += 1;
    rows.set(a, (rows.get(a) ?? 0) + 1);
    columns.set(b, (columns.get(b) ?? 0) + 1);
  }
  if (both === 0) return null;
  const chance = [...rows].reduce((sum, [label, count]) => sum + (count * (columns.get(label) ?? 0)) / both ** 2, 0);
  return chance === 1 ? null : (agreed / both - chance) / (1 - chance);
}

const REPLICATES = 1000;

/** A measure of agreement with its 95 % interval. Resamples units; the same seed gives the same interval. */
export function estimateAgreement(
  units: readonly UnitLabels[],
  compute: (units: readonly UnitLabels[]) => number | null,
  seed: number,
): Agreement | null {
  const paired = units.filter((unit) => unit.filter((label) => label !== null).length > 1);
  const value = compute(paired);
  if (value === null) return null;
  const random = createRandom(seed);
  const samples: number[] = [];
  for (let replicate = 0; replicate < REPLICATES; replicate += 1) {
    const drawn = compute(paired.map(() => paired[Math.floor(random.next() * paired.length)] ?? []));
    if (drawn !== null) samples.push(drawn);
  }
  samples.sort((a, b) => a - b);
  const at = (share: number): number => samples[Math.round(share * (samples.length - 1))] ?? value;
  return { value, low: Math.min(value, at(0.025)), high: Math.max(value, at(0.975)), units: paired.length };
}
