/**
 * Reads `labels.jsonl` window by window, or a data set chunk by chunk, with the place of every line: pictures are requested by the place of
 * their record.
 */

import { parseRecord } from "../scoring/records/record-line.ts";
import type { ScoreRecord } from "../scoring/records/records.ts";
import type { JobView } from "../scoring/job/job-view.ts";
import type { Api } from "./api.ts";
import { windowBytes } from "./label-windows.ts";

/** A record, the bytes of its line, and the number of its input. */
export interface PlacedRecord {
  readonly record: ScoreRecord;
  /** 0-based; several records have the same number where a picture has several faces. */
  readonly input: number;
  readonly offset: number;
  readonly length: number;
  /** The chunk in whose part the line is, of a data set; absent: it is in `labels.jsonl`. */
  readonly chunk?: string;
}

/** Where reading continues: the start of a line, and the record before it. */
export interface LabelPosition {
  /** Of a data set: `offset` is the number of an input, and reading goes chunk by chunk. */
  readonly byInput?: true;
  readonly offset: number;
  readonly before: Pick<PlacedRecord, "record" | "input"> | null;
}

/** The first line. */
export const LABELS_START: LabelPosition = { offset: 0, before: null };

/** Some records and where the next ones start. */
export interface LabelWindow {
  readonly records: readonly PlacedRecord[];
  /** Of the next line; `null` at the end. */
  readonly next: LabelPosition | null;
  /** Bytes of the whole object; of a data set, its inputs. */
  readonly total: number;
}

const NEWLINE = 10;

/** The whole lines of one window from `position`. @throws ScoringError as the API does */
export async function readLabelWindow(
  api: Pick<Api, "readOutput" | "readRecords">,
  jobId: string,
  position: LabelPosition,
  signal?: AbortSignal,
): Promise<LabelWindow> {
  if (position.byInput === true) return readChunk(api, jobId, position.offset, signal);
  const { offset } = position;
  const { bytes, total } = await api.readOutput(jobId, "labels.jsonl", offset, windowBytes(offset), signal);
  const records = splitLines(bytes, position);
  const last = records.at(-1);
  const end = last === undefined ? total : last.offset + last.length + 1;
  return { records, next: end >= total ? null : { offset: end, before: last ?? position.before }, total };
}

async function readChunk(
  api: Pick<Api, "readRecords">,
  jobId: string,
  from: number,
  signal?: AbortSignal,
): Promise<LabelWindow> {
  const { chunk, records, next, inputs } = await api.readRecords(jobId, from, signal);
  const placed = records.map(({ record, at, length, input }): PlacedRecord => ({
    record,
    input,
    offset: at,
    length,
    ...(chunk !== null && { chunk }),
  }));
  return { records: placed, next: next === null ? null : { offset: next, before: null, byInput: true }, total: inputs };
}

/** Where a job's records begin: in its `labels.jsonl`, or, of a data set, in its first chunk. */
export function startLabels({ output }: Pick<JobView, "output">): LabelPosition {
  return output.layout === "dataset" ? { offset: 0, before: null, byInput: true } : LABELS_START;
}

/**
 * All records of a finished job, in input order, read a megabyte at a time; of a data set, chunk by chunk.
 * @throws ScoringError `not_found` for a job without labels; as the API does
 * @example
 * ```ts
 * const api = createApi({ baseUrl: "https://countenance.example.workers.dev", key });
 * for await (const { id, label, margin } of readLabels(api, jobId)) console.log(id, label, margin);
 * ```
 */
export async function* readLabels(
  api: Pick<Api, "readJob" | "readOutput" | "readRecords">,
  jobId: string,
  signal?: AbortSignal,
): AsyncGenerator<ScoreRecord, void, undefined> {
  let position: LabelPosition | null = startLabels(await api.readJob(jobId, signal));
  while (position !== null) {
    const window: LabelWindow = await readLabelWindow(api, jobId, position, signal);
    for (const { record } of window.records) yield record;
    position = window.next;
  }
}

/** The complete lines in `bytes`, which start at `position`. */
export function splitLines(bytes: Uint8Array, position: LabelPosition): PlacedRecord[] {
  const decoder = new TextDecoder();
  const records: PlacedRecord[] = [];
  let { before } = position;
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(NEWLINE, start);
    if (end < 0) return records;
    const record = parseRecord(decoder.decode(bytes.subarray(start, end)));
    const placed = { record, input: countInputs(before, record), offset: position.offset + start, length: end - start };
    records.push(placed);
    before = placed;
    start = end + 1;
  }
}

/** The second and further faces of a picture are `id#1`, … behind `id#0`; any other record is of the next input. */
function countInputs(before: LabelPosition["before"], record: ScoreRecord): number {
  if (before === null) return 0;
  const [, id, face] = /^(.*)#([1-9]\d*)$/s.exec(record.id) ?? [];
  const isSame = before.record.key === record.key && before.record.id === `${id}#${Number(face) - 1}`;
  return isSame ? before.input : before.input + 1;
}
