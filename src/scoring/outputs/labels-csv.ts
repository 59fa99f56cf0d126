/**
 * `labels.csv`: RFC 4180 with CRLF-free line ends (`\n`), UTF-8, a header, one row per record.
 *
 * Cells that a spreadsheet would run get a leading apostrophe (OWASP, "CSV Injection"): first character `= + - @`, tab or
 * carriage return, and their full-width forms. Numbers stay numbers, negative ones too.
 */

import { stringify } from "csv-stringify/browser/esm/sync";
import type { ScoreRecord } from "../records/records.ts";
import { type Cell, listRecordColumns } from "../records/record-fields.ts";

/** Text that no rule below touches: quoting it or not is the same. Most cells are numbers or such names. */
const PLAIN_TEXT = /^\w(?:[\w ./:#@()\u00a1-\ud7ff-]*[\w./:#@()-])?$/;

function formatCell(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell === "number") return String(cell);
  if (PLAIN_TEXT.test(cell)) return cell;
  // A semicolon quotes a cell too: spreadsheets of many locales split there, and the tail could be a formula.
  return stringify([[cell]], { escape_formulas: true, quoted_match: [/[;\t]/, /^\s|\s$/], eof: false });
}

function formatRow(cells: readonly Cell[]): string {
  return `${cells.map(formatCell).join(",")}\n`;
}

/** The header line with its newline. */
export function formatCsvHeader(groupKeys: readonly string[]): string {
  return formatRow(listRecordColumns(groupKeys).map((column) => column.name));
}

/** Rows, each with its newline; the empty string for no record. */
export function formatCsvRows(records: readonly ScoreRecord[], groupKeys: readonly string[]): string {
  const columns = listRecordColumns(groupKeys);
  return records.map((record) => formatRow(columns.map((column) => column.read(record)))).join("");
}
