/** The one table of label encoders: how each format of `LABEL_FORMATS` is made out of records. */

import type { LabelFormat } from "../keys.ts";
import { serializeRecords } from "../records/record-line.ts";
import type { RowEncoder, StreamEncoder } from "./label-encoder.ts";
import { formatCsvHeader, formatCsvRows } from "./labels-csv.ts";
import { chooseRowGroupRows, createParquetEncoder } from "./labels-parquet.ts";

/** Encoders by format. */
export const LABEL_ENCODERS: Readonly<Record<LabelFormat, RowEncoder | StreamEncoder>> = {
  jsonl: { kind: "rows", head: () => "", rows: serializeRecords, isPart: true },
  csv: { kind: "rows", head: formatCsvHeader, rows: formatCsvRows, isPart: false },
  parquet: {
    kind: "stream",
    open: ({ groupKeys, shape, records, describes = false, limits }, state) => {
      const rowGroupRows = chooseRowGroupRows(records, {
        minRows: limits.minParquetRowGroupRows,
        maxRows: limits.maxParquetRowGroupRows,
        targetGroups: limits.targetParquetRowGroups,
      });
      return createParquetEncoder({ groupKeys, shape, rowGroupRows, describes }, state);
    },
  },
};
