/** The flat form of a record that CSV and Parquet share: one list of columns, so that the two cannot drift apart. */

import { LABELS } from "../../model/labels.ts";
import type { ScoreRecord } from "../records/records.ts";
import { roundMicro } from "../records/record-line.ts";

/** What a cell can hold; `null` is an empty CSV cell and a Parquet null. */
export type Cell = string | number | null;

/** One column. `required` columns are never `null`. */
export interface RecordColumn {
  readonly name: string;
  readonly kind: "text" | "integer" | "decimal";
  readonly required: boolean;
  readonly read: (record: ScoreRecord) => Cell;
}

const decimal = (value: number | null | undefined): number | null =>
  value === null || value === undefined ? null : roundMicro(value);

const THETA_NAMES = ["theta_a", "theta_b", "theta_tx", "theta_d", "theta_e", "theta_ty"] as const;

const text = (name: string, read: (record: ScoreRecord) => string | null, required = false): RecordColumn => ({
  name,
  kind: "text",
  required,
  read,
});
const number = (name: string, read: (record: ScoreRecord) => number | null | undefined): RecordColumn => ({
  name,
  kind: "decimal",
  required: false,
  read: (record) => decimal(read(record)),
});

/** Columns in order; each of the job's `groupBy` names adds `group_<name>` at the end. */
export function listRecordColumns(groupKeys: readonly string[]): RecordColumn[] {
  return [
    text("id", (record) => record.id, true),
    text("key", (record) => record.key, true),
    text("etag", (record) => record.etag),
    text("status", (record) => record.status, true),
    text("label", (record) => record.label),
    ...LABELS.map((label, index) => number(`p_${label.toLowerCase()}`, (record) => record.probabilities?.[index])),
    number("margin", (record) => record.margin),
    number("entropy", (record) => record.entropy),
    number("face_x", (record) => record.face?.box.x),
    number("face_y", (record) => record.face?.box.y),
    number("face_width", (record) => record.face?.box.width),
    number("face_height", (record) => record.face?.box.height),
    number("face_score", (record) => record.face?.score),
    number("right_eye_x", (record) => record.face?.eyes?.[0].x),
    number("right_eye_y", (record) => record.face?.eyes?.[0].y),
    number("left_eye_x", (record) => record.face?.eyes?.[1].x),
    number("left_eye_y", (record) => record.face?.eyes?.[1].y),
    ...THETA_NAMES.map((name, index) => number(name, (record) => record.face?.theta?.[index])),
    text("truth", (record) => record.truth),
    number("brightness", (record) => record.quality?.brightness),
    number("contrast", (record) => record.quality?.contrast),
    number("side", (record) => record.quality?.side),
    text("model", (record) => record.model, true),
    { name: "pipeline", kind: "integer", required: true, read: (record) => record.pipeline },
    text("error_code", (record) => record.error?.code ?? null),
    text("error_message", (record) => record.error?.message ?? null),
    ...[...new Set(groupKeys)].map((key) =>
      text(`group_${key}`, (record) => (Object.hasOwn(record.groups, key) ? (record.groups[key] ?? null) : null)),
    ),
  ];
}
