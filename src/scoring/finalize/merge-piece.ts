/** A chunk on its way into the outputs: as it was read, and formatted for each output. */

import type { ChunkRow } from "../job/chunk-row.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { formatErrorLines } from "../outputs/errors-jsonl.ts";
import { LABEL_ENCODERS } from "../outputs/label-encoders.ts";
import type { LabelFormat } from "../keys.ts";
import { groupByInput } from "../records/record-groups.ts";
import { serializeItem } from "../inputs/frozen-line.ts";
import type { RecordShape, ScoreRecord } from "../records/records.ts";
import type { InputItem } from "../records/input-item.ts";
import { pickExamples } from "../fold/examples.ts";
import { type ChunkSummary, summarize } from "../fold/summary.ts";

/** One chunk with all that its outputs need. */
export interface MergePiece {
  readonly chunk: ChunkRow;
  readonly items: readonly InputItem[];
  readonly records: readonly ScoreRecord[];
  /** SHA-256 and bytes of the part object; `null` for a chunk without one. */
  readonly part: { readonly sha256: string; readonly bytes: number } | null;
  /** The part as it is stored: the lines of `records`, byte for byte. */
  readonly body: Uint8Array | null;
}

/** What formatting depends on besides the piece; plain values, which cross threads. */
export interface FormatOptions {
  readonly groupBy: readonly string[];
  readonly faces: Manifest["faces"];
  readonly shape: RecordShape;
  /** The label files that the job writes. */
  readonly formats: readonly LabelFormat[];
  /** Whether somebody needs the piece itself as well: a stream such as Parquet, or a comparison with another run. */
  readonly keepsPiece: boolean;
  /** Whether the report shows some faces of each label. */
  readonly withExamples: boolean;
  /** Whether `errors.jsonl` also names what was canceled: the job failed. */
  readonly withCanceled: boolean;
}

/** Records as label files take them. */
export interface LabelRows {
  /** Rows of each format that has any. */
  readonly rows: Readonly<Partial<Record<LabelFormat, Uint8Array>>>;
  /** Set where a stream such as Parquet needs the records themselves. */
  readonly piece: Pick<MergePiece, "records"> | null;
}

/** A chunk's share of the outputs and of the aggregates. */
export interface FormattedPiece extends LabelRows {
  readonly chunk: Pick<ChunkRow, "id" | "first" | "count">;
  readonly part: MergePiece["part"];
  readonly records: number;
  /** Lines of `input.jsonl`. */
  readonly input: Uint8Array;
  /** Lines of `errors.jsonl`. */
  readonly errors: Uint8Array;
  readonly summary: ChunkSummary;
  /** Set where `keepsPiece` asks for it. */
  readonly piece: MergePiece | null;
}

const NEWLINE = 10;

/** Whether a part's lines name their probabilities: one that was written before an upgrade of a job under way does not. */
function isCurrent(body: Uint8Array, records: readonly ScoreRecord[]): boolean {
  const scored = records.findIndex(({ probabilities }) => probabilities !== null);
  let start = 0;
  for (let line = 0; line < scored; line++) start = body.indexOf(NEWLINE, start) + 1;
  return scored < 0 || !new TextDecoder().decode(body.subarray(start, body.indexOf(NEWLINE, start))).includes(OLDER);
}

/** No string of a line contains it: its quotes would be escaped. */
const OLDER = '"probabilities":[';

/** Rows of each text format. @param body see {@link MergePiece} */
export function formatRows(
  records: readonly ScoreRecord[],
  body: Uint8Array | null,
  { groupBy, shape, formats }: Pick<FormatOptions, "groupBy" | "shape" | "formats">,
): LabelRows["rows"] {
  const text = new TextEncoder();
  const rows: Partial<Record<LabelFormat, Uint8Array>> = {};
  for (const format of formats) {
    const encoder = LABEL_ENCODERS[format];
    if (encoder.kind !== "rows") continue;
    rows[format] =
      encoder.isPart && body !== null && isCurrent(body, records)
        ? body
        : text.encode(encoder.rows(records, groupBy, shape));
  }
  return rows;
}

/** Formats a piece: most of the work of finalizing, and the part of it that needs no other chunk. */
export function formatPiece(piece: MergePiece, options: FormatOptions): FormattedPiece {
  const { chunk, items, records, part, body } = piece;
  const { groupBy, faces, shape, keepsPiece, withExamples, withCanceled } = options;
  const text = new TextEncoder();
  // Only failed inputs and examples are looked up: most pieces need no map.
  let inputs: ReadonlyMap<ScoreRecord, InputItem | undefined> | null = null;
  const findItem = (record: ScoreRecord): InputItem | null => {
    inputs ??= new Map(groupByInput(records, faces).flatMap((own, at) => own.map((one) => [one, items[at]] as const)));
    return inputs.get(record) ?? null;
  };
  return {
    chunk: { id: chunk.id, first: chunk.first, count: chunk.count },
    part,
    records: records.length,
    input: text.encode(items.map((item) => `${serializeItem(item)}\n`).join("")),
    rows: formatRows(records, body, options),
    errors: text.encode(formatErrorLines(records, findItem, withCanceled)),
    summary: {
      ...summarize(records, { groupBy, faces, labels: shape.labels }),
      ...(withExamples && { examples: pickExamples(records, shape.labels, findItem) }),
    },
    piece: keepsPiece ? piece : null,
  };
}
