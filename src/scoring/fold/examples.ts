/** A few faces of each label, drawn by lot: whatever the order and the cut of what is folded, the same ones. */

import type { Box } from "../../model/face-finder.ts";
import type { InputItem } from "../records/input-item.ts";
import type { ScoreRecord } from "../records/records.ts";

/** Faces of one label that are kept. */
export const EXAMPLES_PER_LABEL = 6;

/** A face with what opens its picture. */
export interface LabelExample {
  /** The lot: the lowest are kept. */
  readonly lot: number;
  readonly item: InputItem;
  /** Where the face is, in pixels of the upright picture; `null` where the picture is the face. */
  readonly box: Box | null;
}

/** Examples by label, in the labels' order. */
export type Examples = readonly (readonly LabelExample[])[];

/** FNV-1a with the finalizer of MurmurHash3: names that differ in one letter get lots far apart. */
function drawLot(name: string): number {
  let word = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) word = Math.imul(word ^ byte, 0x01000193);
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return (word ^ (word >>> 16)) >>> 0;
}

const byLot = (a: LabelExample, b: LabelExample): number => a.lot - b.lot || a.item.index - b.item.index;

/** Those of a set of records. @param findItem the input of a record */
export function pickExamples(
  records: Iterable<ScoreRecord>,
  labels: readonly string[],
  findItem: (record: ScoreRecord) => InputItem | null,
): Examples {
  const found: LabelExample[][] = labels.map(() => []);
  for (const record of records) {
    const { label, face, id, status } = record;
    const item = status === "scored" && label !== null ? findItem(record) : null;
    if (item === null || label === null) continue;
    const box = face === null || face.score === null ? null : face.box;
    found[labels.indexOf(label)]?.push({ lot: drawLot(id), item, box });
  }
  return found.map((list) => list.sort(byLot).slice(0, EXAMPLES_PER_LABEL));
}

/** Those of two sets together. */
export function mergeExamples(a: Examples, b: Examples): Examples {
  return a.map((list, label) => [...list, ...(b[label] ?? [])].sort(byLot).slice(0, EXAMPLES_PER_LABEL));
}
