/**
 * The one table of a record's fields: from it follow the JSON line, its parser, the columns of CSV and Parquet, and what two engines'
 * records are compared by. A new field stands here and in {@link ScoreRecord}, and gets its value in `chunk/score-record.ts`.
 */

import { DISPOSITIONS, type ErrorCode } from "../../errors.ts";
import type { Point } from "../../model/face-finder.ts";
import { nameProbabilityColumn } from "../../model/label-column.ts";
import { LABELS, MAX_EMBEDDING } from "../../model/labels.ts";
import { ENGINE_TOLERANCE } from "./engine-agreement.ts";
import {
  choice,
  decimal,
  decimals,
  type FieldType,
  keysOf,
  list,
  namedDecimals,
  nullable,
  object,
  pair,
  roundMicro,
  text,
  texts,
} from "./field-types.ts";
import {
  type FaceRecord,
  OUTCOMES,
  PIPELINE_VERSIONS,
  probabilityOf,
  type QualityRecord,
  type RecordShape,
  type ScoreRecord,
  SHIPPED_SHAPE,
} from "./records.ts";

/** What a cell can hold; `null` is an empty CSV cell and a Parquet null. Lists are not in CSV. */
export type Cell = string | number | readonly number[] | null;

/** One column of CSV and Parquet. `required` columns are never `null`. */
export interface RecordColumn {
  readonly name: string;
  readonly kind: "text" | "integer" | "decimal" | "floats";
  readonly required: boolean;
  readonly read: (record: ScoreRecord) => Cell;
  /** How far two engines' records of one input may lie apart: `null` is not compared, 0 must be equal. */
  readonly tolerance: number | null;
}

/** One field of a record. */
export interface RecordField<T> extends FieldType<T> {
  readonly columns: (shape: RecordShape) => readonly RecordColumn[];
  /** Only a scored record has it: `null` in all others. */
  readonly ofScore: boolean;
}

type Abstained = NonNullable<ScoreRecord["abstained"]>;

/** Finders agree on a box to less than this, pixels; θ and detector scores to less than the second. */
const BOX_TOLERANCE = 0.05;
const FACE_TOLERANCE = 1e-3;
/** Gray levels, of means over 2,304 equal bytes. */
const QUALITY_TOLERANCE = 1e-6;
/** Values of an embedding, each over its own size where that is above 1. */
const EMBEDDING_TOLERANCE = 1e-3;

const THETA_NAMES = ["theta_a", "theta_b", "theta_tx", "theta_d", "theta_e", "theta_ty"] as const;

const textColumn = (
  name: string,
  read: (record: ScoreRecord) => string | null,
  { required = false, tolerance = null }: { required?: boolean; tolerance?: 0 | null } = {},
): RecordColumn => ({ name, kind: "text", required, read, tolerance });

const decimalColumn = (
  name: string,
  tolerance: number | null,
  read: (record: ScoreRecord) => number | null | undefined,
): RecordColumn => ({
  name,
  kind: "decimal",
  required: false,
  read(record) {
    const value = read(record);
    return value === null || value === undefined ? null : roundMicro(value);
  },
  tolerance,
});

const field = <T>(
  type: FieldType<T>,
  columns: readonly RecordColumn[] | RecordField<T>["columns"],
  ofScore = false,
): RecordField<T> => ({
  ...type,
  columns: typeof columns === "function" ? columns : () => columns,
  ofScore,
});

const point: FieldType<Point> = object<Point>({ x: decimal, y: decimal });

const face: FieldType<FaceRecord> = object<FaceRecord>({
  box: object<FaceRecord["box"]>({ x: decimal, y: decimal, width: decimal, height: decimal }),
  score: nullable(decimal),
  eyes: nullable(pair(point)),
  theta: nullable(list(decimal, 6)),
});

const quality: FieldType<QualityRecord> = object<QualityRecord>({
  brightness: decimal,
  contrast: decimal,
  side: decimal,
});

const abstained: FieldType<Abstained> = object<Abstained>({ label: text, threshold: nullable(decimal) });

const ERROR_CODES = keysOf(DISPOSITIONS);

/** Every field, in the order of the line. */
export const RECORD_FIELDS = {
  id: field(text, [textColumn("id", ({ id }) => id, { required: true })]),
  key: field(text, [textColumn("key", ({ key }) => key, { required: true })]),
  etag: field(nullable(text), [textColumn("etag", ({ etag }) => etag, { tolerance: 0 })]),
  status: field(choice(OUTCOMES), [textColumn("status", ({ status }) => status, { required: true, tolerance: 0 })]),
  // Two engines may choose two labels where the margin is small: see check-records.ts.
  label: field(nullable(text), [textColumn("label", ({ label }) => label)], true),
  abstained: {
    ...field(
      abstained,
      [
        textColumn("abstained_label", (record) => record.abstained?.label ?? null),
        decimalColumn("abstained_threshold", null, (record) => record.abstained?.threshold),
      ],
      true,
    ),
    optional: true as const,
  },
  probabilities: field(
    // The labels of before records had names for them.
    nullable(namedDecimals(LABELS)),
    ({ labels }) =>
      labels.map((label) =>
        decimalColumn(nameProbabilityColumn(label), ENGINE_TOLERANCE, (record) => probabilityOf(record, label)),
      ),
    true,
  ),
  margin: field(nullable(decimal), [decimalColumn("margin", null, ({ margin }) => margin)], true),
  entropy: field(nullable(decimal), [decimalColumn("entropy", null, ({ entropy }) => entropy)], true),
  face: field(
    nullable(face),
    [
      decimalColumn("face_x", BOX_TOLERANCE, (record) => record.face?.box.x),
      decimalColumn("face_y", BOX_TOLERANCE, (record) => record.face?.box.y),
      decimalColumn("face_width", BOX_TOLERANCE, (record) => record.face?.box.width),
      decimalColumn("face_height", BOX_TOLERANCE, (record) => record.face?.box.height),
      decimalColumn("face_score", FACE_TOLERANCE, (record) => record.face?.score),
      decimalColumn("right_eye_x", BOX_TOLERANCE, (record) => record.face?.eyes?.[0].x),
      decimalColumn("right_eye_y", BOX_TOLERANCE, (record) => record.face?.eyes?.[0].y),
      decimalColumn("left_eye_x", BOX_TOLERANCE, (record) => record.face?.eyes?.[1].x),
      decimalColumn("left_eye_y", BOX_TOLERANCE, (record) => record.face?.eyes?.[1].y),
      ...THETA_NAMES.map((name, index) => decimalColumn(name, FACE_TOLERANCE, (record) => record.face?.theta?.[index])),
    ],
    true,
  ),
  embedding: {
    ...field(
      decimals(MAX_EMBEDDING),
      ({ embedding }) =>
        embedding
          ? [
              {
                name: "embedding",
                kind: "floats",
                required: false,
                read: (record) => record.embedding?.map(roundMicro) ?? null,
                tolerance: EMBEDDING_TOLERANCE,
              },
            ]
          : [],
      true,
    ),
    optional: true as const,
  },
  // A column for each name of the job's `groupBy`, behind all others: listRecordColumns.
  groups: field(texts, []),
  truth: field(nullable(text), [textColumn("truth", ({ truth }) => truth)]),
  quality: field(nullable(quality), [
    decimalColumn("brightness", QUALITY_TOLERANCE, (record) => record.quality?.brightness),
    decimalColumn("contrast", QUALITY_TOLERANCE, (record) => record.quality?.contrast),
    decimalColumn("side", QUALITY_TOLERANCE, (record) => record.quality?.side),
  ]),
  // In the line alone: tables of a job would have one more empty column, and its run lock names the decoders.
  decoder: { ...field(text, []), optional: true as const },
  model: field(text, [textColumn("model", ({ model }) => model, { required: true })]),
  pipeline: field(choice(PIPELINE_VERSIONS), [
    { name: "pipeline", kind: "integer", required: true, read: ({ pipeline }) => pipeline, tolerance: null },
  ]),
  error: field(
    nullable(
      object<{ readonly code: ErrorCode; readonly message: string }>({ code: choice(ERROR_CODES), message: text }),
    ),
    [
      textColumn("error_code", ({ error }) => error?.code ?? null, { tolerance: 0 }),
      textColumn("error_message", ({ error }) => error?.message ?? null),
    ],
  ),
} satisfies {
  readonly [K in keyof ScoreRecord]-?: RecordField<NonNullable<ScoreRecord[K]> | Extract<ScoreRecord[K], null>>;
};

/** Columns in order; each of the job's `groupBy` names adds `group_<name>` at the end. */
export function listRecordColumns(groupKeys: readonly string[], shape: RecordShape = SHIPPED_SHAPE): RecordColumn[] {
  return [
    ...Object.values(RECORD_FIELDS).flatMap(({ columns }) => columns(shape)),
    ...[...new Set(groupKeys)].map((key) =>
      textColumn(`group_${key}`, ({ groups }) => (Object.hasOwn(groups, key) ? (groups[key] ?? null) : null)),
    ),
  ];
}

/** The fields that are `null` in every record without a score. */
export const SCORE_FIELDS = keysOf(RECORD_FIELDS).filter((name) => RECORD_FIELDS[name].ofScore);
