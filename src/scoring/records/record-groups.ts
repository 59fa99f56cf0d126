/** Which records belong to one input, and whether a record stands for an input. */

import type { ScoreRecord } from "./records.ts";
import type { FaceMode } from "./face-mode.ts";

/** Whether a record stands for its input: the second and later faces of a picture do not. */
export function countsAsInput(record: ScoreRecord, faces: FaceMode | undefined): boolean {
  // Only records with a face get the suffix, so a picture whose own id ends in "#1" is not misread.
  return faces !== "all" || record.face === null || !/#[1-9]\d*$/.test(record.id);
}

/** Id of a record's input: where a picture has several faces, the number after it is cut off. */
export function findInputId(record: ScoreRecord, faces: FaceMode): string {
  return faces === "all" && record.face !== null ? record.id.replace(/#\d+$/, "") : record.id;
}

/** The records of each input, in input order: by place, since ids of a list may repeat. */
export function groupByInput(records: readonly ScoreRecord[], faces: FaceMode): readonly (readonly ScoreRecord[])[] {
  const inputs: ScoreRecord[][] = [];
  for (const record of records) {
    const last = inputs.at(-1);
    if (last === undefined || countsAsInput(record, faces)) inputs.push([record]);
    else last.push(record);
  }
  return inputs;
}
