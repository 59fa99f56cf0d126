/** Which label files a job gets: those it asked for, but for one that would not fit an isolate. */

import type { Manifest } from "./manifest.ts";
import { OUTPUT_NAMES } from "./keys.ts";
import type { Limits } from "./limits.ts";

type Formats = Manifest["output"]["formats"];
type ParquetLimits = Pick<Limits, "maxParquetRowGroupRows" | "targetParquetRowGroups">;

/** Records that a Parquet file may have: its footer, which lists every row group, is held until the end. */
export function countParquetRows(limits: ParquetLimits): number {
  return limits.maxParquetRowGroupRows * limits.targetParquetRowGroups;
}

/** The formats that `records` records are written in; JSONL in place of a Parquet file that was all that was asked for. */
export function chooseFormats(formats: Formats, records: number, limits: ParquetLimits): Formats {
  if (!formats.includes("parquet") || records <= countParquetRows(limits)) return formats;
  const rest = formats.filter((format) => format !== "parquet");
  return rest.length === 0 ? ["jsonl"] : rest;
}

/** What is left out or in its place, as a sentence; `null` where everything that was asked for is written. */
export function describeOmission(formats: Formats, records: number, limits: ParquetLimits): string | null {
  const chosen = chooseFormats(formats, records, limits);
  if (chosen === formats) return null;
  const instead = formats.length === 1 ? ` ${OUTPUT_NAMES.labelsJsonl} is written instead.` : "";
  const rows = countParquetRows(limits).toLocaleString("en");
  return `${OUTPUT_NAMES.labelsParquet} is left out: it can hold ${rows} records, and there are more.${instead}`;
}
