/** Labels of the try page as files, as a job writes them. */

import { formatCsvHeader, formatCsvRows } from "../../../src/scoring/outputs/labels-csv.ts";
import { serializeRecords } from "../../../src/scoring/records/record-line.ts";
import type { ScoreRecord } from "../../../src/scoring/records/records.ts";

/** `labels.csv` into the browser's downloads. */
export function saveCsv(records: readonly ScoreRecord[]): void {
  save("labels.csv", "text/csv", formatCsvHeader([]) + formatCsvRows(records, []));
}

/** `labels.jsonl` into the browser's downloads. */
export function saveJsonl(records: readonly ScoreRecord[]): void {
  save("labels.jsonl", "application/x-ndjson", serializeRecords(records));
}

/** Nothing is sent: the page makes the file itself. */
function save(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
