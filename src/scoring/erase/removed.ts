/** What an erasure takes away, counted. */

import type { Removed } from "../job/erasure-state.ts";
import { addErrors, addLabels, addOutcomes, emptyOutcomes } from "../job/outcome-counts.ts";
import type { FaceMode } from "../records/face-mode.ts";
import type { InputItem } from "../records/input-item.ts";
import { countsAsInput } from "../records/record-groups.ts";
import type { ScoreRecord } from "../records/records.ts";

/** Nothing yet. */
export const NOTHING: Removed = { inputs: 0, bytes: 0, records: 0, outcomes: emptyOutcomes(), errors: {} };

/** These inputs with their records. */
export function countRemoved(
  items: readonly InputItem[],
  records: readonly ScoreRecord[],
  faces: FaceMode,
  labelSet: readonly string[],
): Removed {
  const outcomes = { ...emptyOutcomes() };
  let errors = {};
  for (const record of records) {
    if (!countsAsInput(record, faces)) continue;
    outcomes[record.status] += 1;
    if (record.error !== null) errors = addErrors(errors, { [record.error.code]: 1 });
  }
  const labels = labelSet.map((label) => records.filter((record) => record.label === label).length);
  const bytes = items.reduce((sum, { size }) => sum + (size ?? 0), 0);
  return { inputs: items.length, bytes, records: records.length, outcomes, errors, labels };
}

/** Both together. */
export function addRemoved(a: Removed, b: Removed): Removed {
  return {
    inputs: a.inputs + b.inputs,
    bytes: a.bytes + b.bytes,
    records: a.records + b.records,
    outcomes: addOutcomes(a.outcomes, b.outcomes),
    errors: addErrors(a.errors, b.errors),
    labels: addLabels(a.labels, b.labels),
  };
}
