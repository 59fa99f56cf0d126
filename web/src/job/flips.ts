/** Faces that two runs label differently. */

import { findTopLabel, type ScoreRecord } from "../../../src/scoring/records/records.ts";

/** Most probable labels by record. */
export type EarlierLabels = ReadonlyMap<string, string>;

/** What two runs call the same face. */
export const pairBy = ({ key, id }: Pick<ScoreRecord, "key" | "id">): string => `${key}\n${id}`;

/** The label that a record had in the earlier run, where that is another. */
export function findFlip(record: ScoreRecord, earlier: EarlierLabels | null): string | null {
  const [before, now] = [earlier?.get(pairBy(record)) ?? null, findTopLabel(record)];
  return before !== null && now !== null && before !== now ? before : null;
}
