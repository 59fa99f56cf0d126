/** How far an engine's scores are from a reference. No test runner needed: pages and Workers under test use it too. */

import type { Scores } from "../../src/model/classifier.ts";
import { LABEL_COUNT, LABELS } from "../../src/model/labels.ts";
import { deriveVerdict, rowOf } from "../../src/model/softmax.ts";
import type { Expected } from "../golden/network.ts";

/** Largest allowed difference of a probability. */
export const PROBABILITY_TOLERANCE = 1e-4;
/** Above this reference margin the label must be the same. */
export const LABEL_MARGIN = 2e-4;

/** Largest probability difference, and the faces whose label differs although the margin is clear. */
export interface Agreement {
  readonly worst: number;
  readonly worstTheta: number;
  readonly labelFaults: readonly number[];
}

/** Compares scores with reference rows. Usable outside a test runner, for instance inside a browser page. */
export function compareScores(scores: Scores, expected: Pick<Expected, "probabilities" | "theta">): Agreement {
  let worst = 0;
  let worstTheta = 0;
  const labelFaults: number[] = [];
  expected.probabilities.forEach((row, face) => {
    row.forEach((value, i) => {
      worst = Math.max(worst, distance(scores.probabilities[face * LABEL_COUNT + i], value));
    });
    const reference = deriveVerdict(LABELS, Float32Array.from(row));
    const label = deriveVerdict(LABELS, rowOf(scores.probabilities, face, LABEL_COUNT)).labelIndex;
    if (reference.margin > LABEL_MARGIN && label !== reference.labelIndex) labelFaults.push(face);
    expected.theta[face]?.forEach((value, i) => {
      worstTheta = Math.max(worstTheta, distance(scores.theta?.[face * 6 + i], value));
    });
  });
  return { worst, worstTheta, labelFaults };
}

/** Infinite for a missing or not-a-number value, which no comparison with < would notice. */
function distance(actual: number | undefined, expected: number): number {
  const difference = Math.abs((actual ?? Number.NaN) - expected);
  return Number.isNaN(difference) ? Infinity : difference;
}

/** What is wrong with scores, in words; empty if they agree within the tolerances. */
export function listDisagreements(scores: Scores, expected: Pick<Expected, "probabilities" | "theta">): string[] {
  const { worst, worstTheta, labelFaults } = compareScores(scores, expected);
  const faults = labelFaults.map((face) => `another label for face ${face}`);
  if (worst >= PROBABILITY_TOLERANCE) faults.push(`a probability differs by ${worst}`);
  if (worstTheta >= PROBABILITY_TOLERANCE) faults.push(`an entry of theta differs by ${worstTheta}`);
  return faults;
}
