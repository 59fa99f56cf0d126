/** The text outputs as rows: what a chunk adds to each depends on the chunk alone, so it is made wherever there is a core free. */

import type { InputItem, ScoreRecord } from "../records/records.ts";
import { isErrorRecord, serializeErrorLine } from "./errors-jsonl.ts";
import { formatCsvHeader, formatCsvRows } from "./labels-csv.ts";
import { serializeRecords } from "../records/record-line.ts";

/** The merged outputs that are lines of text, a record or an input each. */
export const TEXT_FORMATS = ["jsonl", "csv", "errors"] as const;
/** One of {@link TEXT_FORMATS}. */
export type TextFormat = (typeof TEXT_FORMATS)[number];

/** What stands before the first row: the header of a CSV, and nothing elsewhere. */
export function formatHead(format: TextFormat, groupKeys: readonly string[]): string {
  return format === "csv" ? formatCsvHeader(groupKeys) : "";
}

/**
 * The rows of these records, each with its newline: those of `a` and then those of `b` are those of `[...a, ...b]`.
 * @param findItem the frozen input of a record, for `errors.jsonl`
 * @param withCanceled see {@link isErrorRecord}
 */
export function formatRows(
  format: TextFormat,
  records: readonly ScoreRecord[],
  groupKeys: readonly string[],
  findItem: (record: ScoreRecord) => InputItem | null = () => null,
  withCanceled = false,
): string {
  switch (format) {
    case "jsonl":
      return serializeRecords(records);
    case "csv":
      return formatCsvRows(records, groupKeys);
    default:
      return records
        .filter((record) => isErrorRecord(record, withCanceled))
        .map((record) => `${serializeErrorLine(record, findItem(record))}\n`)
        .join("");
  }
}
