/**
 * `labels.csv`: RFC 4180 with CRLF-free line ends (`\n`), UTF-8, a header, one row per record.
 *
 * Cells that a spreadsheet would run get a leading apostrophe (OWASP, "CSV Injection"): first character `= + - @`, tab or
 * carriage return, and their full-width forms. Numbers stay numbers, negative ones too.
 */

import { stringify } from "csv-stringify/browser/esm/sync";
import { type RecordShape, type ScoreRecord, SHIPPED_SHAPE } from "../records/records.ts";
import { listRecordColumns, type RecordColumn } from "../records/record-fields.ts";

/** Text that no rule below touches: quoting it or not is the same. Most cells are numbers or such names. */
const PLAIN_TEXT = /^\w(?:[\w ./:#@()\u00a1-\ud7ff-]*[\w./:#@()-])?$/;

function formatCell(cell: string | number | null): string {
  if (cell === null) return "";
  if (typeof cell === "number") return String(cell);
  if (PLAIN_TEXT.test(cell)) return cell;
  // A semicolon quotes a cell too: spreadsheets of many locales split there, and the tail could be a formula.
  return stringify([[cell]], { escape_formulas: true, quoted_match: [/[;\t]/, /^\s|\s$/], eof: false });
}

function formatRow(cells: readonly (string | number | null)[]): string {
  return `${cells.map(formatCell).join(",")}\n`;
}

/** The header line with its newline. */
export function formatCsvHeader(groupKeys: readonly string[], shape: RecordShape = SHIPPED_SHAPE): string {
  return formatRow(listCsvColumns(groupKeys, shape).map((column) => column.name));
}

/** Rows, each with its newline; the empty string for no record. */
export function formatCsvRows(
  records: readonly ScoreRecord[],
  groupKeys: readonly string[],
  shape: RecordShape = SHIPPED_SHAPE,
): string {
  const columns = listCsvColumns(groupKeys, shape);
  return records.map((record) => formatRow(columns.map((column) => readCell(column, record)))).join("");
}

/** A cell of hundreds of numbers is of no use in a table: lists are left to the other formats. */
function listCsvColumns(groupKeys: readonly string[], shape: RecordShape): RecordColumn[] {
  return listRecordColumns(groupKeys, shape).filter(({ kind }) => kind !== "floats");
}

function readCell(column: RecordColumn, record: ScoreRecord): string | number | null {
  const cell = column.read(record);
  return typeof cell === "object" ? null : cell;
}
