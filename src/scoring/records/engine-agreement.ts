/** How far two engines may differ and still agree. */

import { findTopLabel, type ScoreRecord } from "./records.ts";

/** Agreement of every float32 engine with the reference (docs/model.md), and half a unit of the records' sixth decimal. */
export const ENGINE_TOLERANCE = 1e-4 + 5e-7;

/** Below this margin two engines may choose different labels. */
export const ENGINE_MARGIN = 2e-4;

/** Whether two engines say the same of one face: another label only where the first two are near, another abstention only near the threshold. */
export function isSameLabel(was: ScoreRecord, is: ScoreRecord): boolean {
  if (was.label === is.label && was.abstained?.label === is.abstained?.label) return true;
  if ((is.margin ?? 1) <= ENGINE_MARGIN) return true;
  const threshold = (was.abstained ?? is.abstained)?.threshold ?? null;
  if (findTopLabel(was) !== findTopLabel(is) || threshold === null || is.probabilities === null) return false;
  return Math.abs(Math.max(...Object.values(is.probabilities)) - threshold) <= ENGINE_TOLERANCE;
}
