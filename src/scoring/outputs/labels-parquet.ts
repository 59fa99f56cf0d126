/**
 * `labels.parquet`, written as a stream: rows are held as records until a row group is full, then leave as bytes. Only the
 * row groups' metadata stays until the footer. Columns are those of the CSV; statistics (minimum, maximum) are kept for
 * `id` and `key` alone, since the others are unsorted and would only swell the footer. In a part of a data set, which has few
 * row groups, also for the columns that queries choose rows by.
 */

import { ByteWriter } from "hyparquet-writer/src/bytewriter.js";
import { ParquetWriter } from "hyparquet-writer/src/parquet-writer.js";
import { deflateSync, inflateSync } from "fflate";
import { z } from "zod";
import { ScoringError } from "../../errors.ts";
import { type RecordShape, type ScoreRecord, SHIPPED_SHAPE } from "../records/records.ts";
import { parseRecord, serializeRecords } from "../records/record-line.ts";
import { type Cell, listRecordColumns, type RecordColumn } from "../records/record-fields.ts";
import type { LabelStream } from "./label-encoder.ts";
import { packState, unpackState } from "./saved-state.ts";

type RowGroups = ParquetWriter["row_groups"];

/** What a Parquet stream needs to know before its first row. */
export interface ParquetOptions {
  readonly groupKeys: readonly string[];
  /** Absent: of a shipped model. */
  readonly shape?: RecordShape;
  /** Rows of each row group but the last; see {@link chooseRowGroupRows}. */
  readonly rowGroupRows: number;
  /** Whether to keep statistics of what queries choose rows by, too; absent: no. */
  readonly describes?: boolean;
}

/** Columns that queries choose rows by; with each of the groups. */
const CHOSEN_BY: ReadonlySet<string> = new Set(["status", "label", "margin", "truth", "error_code"]);

const hasStatistics = ({ name }: RecordColumn, describes = false): boolean =>
  name === "id" || name === "key" || (describes && (CHOSEN_BY.has(name) || name.startsWith("group_")));

const isRowGroups = (value: unknown): value is RowGroups => Array.isArray(value);

const header = z.strictObject({
  options: z.string(),
  offset: z.int().nonnegative(),
  rows: z.int().nonnegative(),
  rowGroups: z.int().nonnegative(),
});

/** Parquet's metadata holds 64-bit integers, which JSON does not: they travel as `"<digits>n"` in a one-field object. */
const formatRowGroup = (rowGroup: RowGroups[number]): string =>
  JSON.stringify(rowGroup, (_key, value: unknown) => (typeof value === "bigint" ? { int64: String(value) } : value));

/** One line each: all at once would take several times their memory to parse. */
function parseRowGroups(lines: readonly string[]): RowGroups {
  const groups = lines.map((line): unknown =>
    JSON.parse(line, (_key, value: unknown) =>
      typeof value === "object" && value !== null && "int64" in value && typeof value.int64 === "string"
        ? BigInt(value.int64)
        : value,
    ),
  );
  if (!isRowGroups(groups)) throw new ScoringError("internal", "saved Parquet state: no row groups");
  return groups;
}

function buildSchema(columns: readonly RecordColumn[]): ParquetWriter["schema"] {
  return [
    { name: "root", num_children: columns.length },
    ...columns.flatMap(({ name, kind, required }): ParquetWriter["schema"] =>
      kind === "floats"
        ? [
            { name, repetition_type: "OPTIONAL", num_children: 1, converted_type: "LIST" },
            { name: "list", repetition_type: "REPEATED", num_children: 1 },
            { name: "element", repetition_type: "REQUIRED", type: "FLOAT" },
          ]
        : [
            {
              name,
              repetition_type: required ? "REQUIRED" : "OPTIONAL",
              ...(kind === "text"
                ? { type: "BYTE_ARRAY", converted_type: "UTF8" }
                : { type: kind === "integer" ? "INT32" : "DOUBLE" }),
            },
          ],
    ),
  ];
}

/** Keeps lone surrogates, which JSON escapes but UTF-8 cannot hold, from making bounds and values disagree. */
const readCell = (column: RecordColumn, record: ScoreRecord): Cell => {
  const cell = column.read(record);
  return typeof cell === "string" ? cell.toWellFormed() : cell;
};

/**
 * A Parquet encoder, or one that goes on where `save` left off.
 * @throws ScoringError `internal` for a damaged state or one of other options
 */
export function createParquetEncoder(options: ParquetOptions, state?: Uint8Array): LabelStream {
  const { shape = SHIPPED_SHAPE } = options;
  const columns = listRecordColumns(options.groupKeys, shape);
  const fingerprint = JSON.stringify([
    options.groupKeys,
    shape,
    options.rowGroupRows,
    ...(options.describes === true ? [true] : []),
  ]);
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({ writer: bytes, schema: buildSchema(columns), createdBy: "countenance" });
  let held: ScoreRecord[] = [];
  if (state !== undefined) {
    const saved = unpackState(state, header);
    if (saved.header.options !== fingerprint) throw new ScoringError("internal", "saved Parquet state: other options");
    const lines = new TextDecoder().decode(inflateSync(saved.bytes)).split("\n");
    writer.row_groups = parseRowGroups(lines.slice(0, saved.header.rowGroups));
    writer.num_rows = BigInt(saved.header.rows);
    // The constructor has just written the magic number again: drop it, and count on from where the file stands.
    bytes.index = 0;
    bytes.offset = saved.header.offset;
    held = lines.slice(saved.header.rowGroups, -1).map(parseRecord);
  }

  function writeRowGroup(records: readonly ScoreRecord[]): void {
    void writer.write({
      columnData: columns.map((column) => ({
        name: column.name,
        data: records.map((record) => readCell(column, record)),
        statistics: hasStatistics(column, options.describes),
        offsetIndex: false,
      })),
      rowGroupSize: records.length,
    });
    // Without indexes nothing here is written later; kept, it would hold every page's bounds until the end.
    writer.pendingIndexes = [];
  }

  function takeBytes(): Uint8Array<ArrayBuffer> {
    const taken = bytes.getBytes().slice();
    bytes.index = 0;
    return taken;
  }

  return {
    encode(records) {
      held.push(...records);
      let from = 0;
      for (; held.length - from >= options.rowGroupRows; from += options.rowGroupRows) {
        writeRowGroup(held.slice(from, from + options.rowGroupRows));
      }
      if (from > 0) held = held.slice(from);
      return takeBytes();
    },
    finish() {
      if (held.length > 0) writeRowGroup(held);
      held = [];
      void writer.finish();
      return takeBytes();
    },
    save() {
      if (bytes.index > 0) throw new ScoringError("internal", "Parquet bytes were not taken: call encode first");
      const rowGroups = writer.row_groups.map((rowGroup) => `${formatRowGroup(rowGroup)}\n`);
      const carried = `${rowGroups.join("")}${serializeRecords(held)}`;
      return packState(
        {
          options: fingerprint,
          offset: bytes.offset,
          rows: Number(writer.num_rows),
          rowGroups: rowGroups.length,
        } satisfies z.infer<typeof header>,
        // Repetitive text, stored at every step: the weakest level makes it ten times smaller.
        deflateSync(new TextEncoder().encode(carried), { level: 1 }),
      );
    },
  };
}

/** Rows of a row group for a file of `totalRows`: few groups keep the footer small, small groups keep memory bounded. */
export function chooseRowGroupRows(
  totalRows: number,
  limits: { minRows: number; maxRows: number; targetGroups: number },
): number {
  return Math.min(limits.maxRows, Math.max(limits.minRows, Math.ceil(totalRows / limits.targetGroups)));
}
