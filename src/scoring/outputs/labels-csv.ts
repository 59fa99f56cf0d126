/**
 * `labels.csv`: RFC 4180 with CRLF-free line ends (`\n`), UTF-8, a header, one row a record.
 *
 * Cells that a spreadsheet would run get a leading apostrophe (OWASP, "CSV Injection"): first character `= + - @`, tab or
 * carriage return, and their full-width forms. Numbers stay numbers, negative ones too.
 */

import { stringify } from "csv-stringify/browser/esm/sync";
import type { ScoreRecord } from "../records.ts";
import { type Cell, listRecordColumns } from "./record-columns.ts";

function formatRows(rows: readonly (readonly Cell[])[]): string {
  // A semicolon quotes a cell too: spreadsheets of many locales split there, and the tail could be a formula.
  return stringify(
    rows.map((row) => [...row]),
    { escape_formulas: true, quoted_match: [/[;\t]/, /^\s|\s$/] },
  );
}

/** The header line with its newline. */
export function formatCsvHeader(groupKeys: readonly string[]): string {
  return formatRows([listRecordColumns(groupKeys).map((column) => column.name)]);
}

/** Rows, each with its newline; the empty string for no record. */
export function formatCsvRows(records: readonly ScoreRecord[], groupKeys: readonly string[]): string {
  if (records.length === 0) return "";
  const columns = listRecordColumns(groupKeys);
  return formatRows(records.map((record) => columns.map((column) => column.read(record))));
}
