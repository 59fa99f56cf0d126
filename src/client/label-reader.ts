/** Reads `labels.jsonl` window by window, with the place of every line: a picture is asked for by its record's place. */

import { parseRecord } from "../scoring/outputs/labels-jsonl.ts";
import type { ScoreRecord } from "../scoring/records.ts";
import type { Api } from "./api.ts";

/** A record and the bytes of its line. */
export interface PlacedRecord {
  readonly record: ScoreRecord;
  readonly offset: number;
  readonly length: number;
}

/** Some records and where the next ones start. */
export interface LabelWindow {
  readonly records: readonly PlacedRecord[];
  /** Byte offset of the next line; `null` at the end. */
  readonly next: number | null;
  /** Bytes of the whole object. */
  readonly total: number;
}

/** About 2,000 records. */
const WINDOW_BYTES = 1024 * 1024;
const NEWLINE = 10;

/** The whole lines of one window from `offset`, which must be a line's start. @throws ScoringError as the API does */
export async function readLabelWindow(
  api: Pick<Api, "readOutput">,
  jobId: string,
  offset: number,
  signal?: AbortSignal,
): Promise<LabelWindow> {
  const { bytes, total } = await api.readOutput(jobId, "labels.jsonl", offset, WINDOW_BYTES, signal);
  const records = splitLines(bytes, offset);
  const last = records.at(-1);
  const end = last === undefined ? total : last.offset + last.length + 1;
  return { records, next: end >= total ? null : end, total };
}

/** The complete lines in `bytes`, which start at `offset` of the object. */
export function splitLines(bytes: Uint8Array, offset: number): PlacedRecord[] {
  const decoder = new TextDecoder();
  const records: PlacedRecord[] = [];
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(NEWLINE, start);
    if (end < 0) return records;
    const record = parseRecord(decoder.decode(bytes.subarray(start, end)));
    records.push({ record, offset: offset + start, length: end - start });
    start = end + 1;
  }
}
