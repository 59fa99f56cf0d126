/** Which label files a job gets: those it asked for, except one that would not fit an isolate; and how many records a job may have. */

import type { Manifest } from "./manifest.ts";
import { LABEL_FILES } from "../keys.ts";
import type { Limits } from "../limits.ts";

type Output = Pick<Manifest["output"], "formats" | "layout">;
type Formats = Output["formats"];
/** Bytes per row, twice the usual: a record has about 800, and a key may be long. */
export const ROW_BYTES = { labels: 1600, input: 1000, errors: 1000, success: 250 } as const;

/** Records that the outputs of one job may have: an upload has a limited number of parts of limited size. */
export function countMaxRecords(limits: Pick<Limits, "maxMultipartBytes" | "maxMultipartParts">): number {
  return Math.floor((limits.maxMultipartBytes * limits.maxMultipartParts) / ROW_BYTES.labels);
}

/** Says that a job has more records than that, as a sentence's end. */
export function describeExcess(maxRecords: number): string {
  return `the outputs of one job hold ${maxRecords.toLocaleString("en")} records, and there are more: submit several jobs by prefix, or set output.layout to "dataset"`;
}

type ParquetLimits = Pick<Limits, "maxParquetRowGroupRows" | "targetParquetRowGroups">;

/** Records that a Parquet file may have: its footer, which lists every row group, is held until the end. */
export function countParquetRows(limits: ParquetLimits): number {
  return limits.maxParquetRowGroupRows * limits.targetParquetRowGroups;
}

/** The formats that `records` records are written in; JSONL replaces a Parquet file that was the only format asked for. */
export function chooseFormats({ formats, layout }: Output, records: number, limits: ParquetLimits): Formats {
  // Each part of a data set is a file of its own.
  if (layout === "dataset") return formats;
  if (!formats.includes("parquet") || records <= countParquetRows(limits)) return formats;
  const rest = formats.filter((format) => format !== "parquet");
  return rest.length === 0 ? ["jsonl"] : rest;
}

/** What is left out and what replaces it, as a sentence; `null` if everything that was asked for is written. */
export function describeOmission(output: Output, records: number, limits: ParquetLimits): string | null {
  const { formats } = output;
  const chosen = chooseFormats(output, records, limits);
  if (chosen === formats) return null;
  const instead = formats.length === 1 ? ` ${LABEL_FILES.jsonl.name} is written instead.` : "";
  const rows = countParquetRows(limits).toLocaleString("en");
  return `${LABEL_FILES.parquet.name} is left out: it can hold ${rows} records, and there are more.${instead}`;
}
