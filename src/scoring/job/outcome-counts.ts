/** Inputs counted by outcome and by error code. */

import { ERROR_CODES, type ErrorCode } from "../../errors.ts";
import { OUTCOMES, type Outcome } from "../records/records.ts";

/** Inputs by outcome. */
export type OutcomeCounts = Readonly<Record<Outcome, number>>;

/** Inputs by error code. */
export type ErrorCounts = Readonly<Partial<Record<ErrorCode, number>>>;

/** All zero. */
export function emptyOutcomes(): OutcomeCounts {
  return { scored: 0, no_face: 0, skipped: 0, failed: 0, cancelled: 0, expired: 0 };
}

/** Sum by outcome. */
export function addOutcomes(a: OutcomeCounts, b: OutcomeCounts): OutcomeCounts {
  const sum: Record<Outcome, number> = { ...a };
  for (const outcome of OUTCOMES) sum[outcome] += b[outcome];
  return sum;
}

/** Sum by code. */
export function addErrors(a: ErrorCounts, b: ErrorCounts): ErrorCounts {
  const sum: Partial<Record<ErrorCode, number>> = { ...a };
  for (const code of ERROR_CODES) {
    const count = b[code];
    if (count !== undefined) sum[code] = (sum[code] ?? 0) + count;
  }
  return sum;
}

/** Records by label, in the model's order; what is absent counts nothing. */
export function addLabels(a: readonly number[] = [], b: readonly number[] = []): readonly number[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, index) => (a[index] ?? 0) + (b[index] ?? 0));
}

/** Inputs with an outcome. */
export function countFinished(outcomes: OutcomeCounts): number {
  return OUTCOMES.reduce((sum, outcome) => sum + outcomes[outcome], 0);
}
