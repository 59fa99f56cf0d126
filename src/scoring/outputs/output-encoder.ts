/** One interface for every merged output: records in, bytes out, state saved between invocations. */

import { z } from "zod";
import { ScoringError } from "../../errors.ts";
import type { InputItem, ScoreRecord } from "../records.ts";
import { isErrorRecord, serializeErrorLine } from "./errors-jsonl.ts";
import { formatCsvHeader, formatCsvRows } from "./labels-csv.ts";
import { serializeRecords } from "./labels-jsonl.ts";
import { createParquetEncoder, type ParquetOptions } from "./labels-parquet.ts";
import { packState, unpackState } from "./saved-state.ts";

/** The merged outputs that are streams of records. */
export const OUTPUT_FORMATS = ["jsonl", "csv", "parquet", "errors"] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/**
 * A stream under way. The bytes depend on the records alone, not on how they were cut into calls or invocations:
 * `encode(a)` then `encode(b)` gives what `encode([...a, ...b])` gives.
 */
export interface OutputEncoder {
  /**
   * Bytes that these records complete; may be empty while a row group fills.
   * @param findItem the frozen input of a record, for `errors.jsonl`
   */
  encode(
    records: readonly ScoreRecord[],
    findItem?: (record: ScoreRecord) => InputItem | null,
  ): Uint8Array<ArrayBuffer>;
  /** The last bytes. The encoder takes no records afterwards. */
  finish(): Uint8Array<ArrayBuffer>;
  /** What {@link createOutputEncoder} needs to go on in another invocation. */
  save(): Uint8Array<ArrayBuffer>;
}

const textHeader = z.strictObject({ format: z.enum(OUTPUT_FORMATS), started: z.boolean() });

function createTextEncoder(
  format: OutputFormat,
  prologue: string,
  formatRecords: (records: readonly ScoreRecord[], findItem: (record: ScoreRecord) => InputItem | null) => string,
  state: Uint8Array | undefined,
): OutputEncoder {
  const saved = state === undefined ? null : unpackState(state, textHeader).header;
  if (saved !== null && saved.format !== format) throw new ScoringError("internal", `saved state of ${saved.format}`);
  let started = saved?.started ?? false;
  const encoder = new TextEncoder();
  function start(): string {
    const text = started ? "" : prologue;
    started = true;
    return text;
  }
  return {
    encode: (records, findItem = () => null) => encoder.encode(start() + formatRecords(records, findItem)),
    finish: () => encoder.encode(start()),
    save: () => packState({ format, started }, new Uint8Array()),
  };
}

/**
 * The encoder of one output.
 * @param state of {@link OutputEncoder.save}, for the same format and options
 * @throws ScoringError `internal` for a state that is damaged or belongs to another format or other options
 */
export function createOutputEncoder(format: OutputFormat, options: ParquetOptions, state?: Uint8Array): OutputEncoder {
  switch (format) {
    case "parquet":
      return createParquetEncoder(options, state);
    case "csv":
      return createTextEncoder(
        format,
        formatCsvHeader(options.groupKeys),
        (records) => formatCsvRows(records, options.groupKeys),
        state,
      );
    case "jsonl":
      return createTextEncoder(format, "", serializeRecords, state);
    default:
      return createTextEncoder(format, "", formatErrorLines, state);
  }
}

function formatErrorLines(
  records: readonly ScoreRecord[],
  findItem: (record: ScoreRecord) => InputItem | null,
): string {
  return records
    .filter(isErrorRecord)
    .map((record) => `${serializeErrorLine(record, findItem(record))}\n`)
    .join("");
}
