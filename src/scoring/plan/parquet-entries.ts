/** The entries of a Parquet list, or of a Parquet data file of an S3 Inventory: columns by name, as those of a CSV with a header. */

import type { SchemaTree } from "hyparquet";
import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import type { InputSpec } from "../manifest/input-spec.ts";
import type { InputEntry, PlanLimits } from "./input-page.ts";
import type { EntryBatch } from "./list-entries.ts";
import { getMeaning } from "./manifest-rows.ts";
import type { PageBuilder } from "./page-builder.ts";
import { openParquet, type ParquetFile } from "./parquet-file.ts";
import { parseEntry, quoteValue } from "./parse-entry.ts";
import type { ParquetPosition } from "./plan-cursor.ts";

type ManifestSpec = Extract<InputSpec, { kind: "manifest" }>;

/** Whether a list's key says that it is Parquet. */
export function isParquet(key: string): boolean {
  return key.toLowerCase().endsWith(".parquet");
}

/** Columns of an inventory that say which rows count; AWS documentation, "Amazon S3 Inventory list". */
const INVENTORY_COLUMNS: Readonly<Record<string, string>> = {
  bucket: "bucket",
  key: "key",
  size: "size",
  e_tag: "etag",
  is_latest: "is_latest",
  is_delete_marker: "is_delete_marker",
};

/** What is read of a row, by column. */
interface Columns {
  readonly fields: readonly (readonly [column: string, field: string])[];
  readonly groups: readonly string[];
}

/**
 * Up to `count` entries from `position`, of one row group. Columns are `key` and optionally `id`, `etag`, `size`, `label` or `truth`,
 * `versionId`, `bucket`; other columns of text, whole numbers or truth values are groups, and those of other types are left out. Keys are
 * taken as they are. A row that is no input is an issue whose `line` is its 1-based row.
 * @param wanted.inventory the columns are an inventory's: no groups, and rows of old versions are left out
 * @throws ScoringError as {@link openParquet}; `not_found`, `manifest_lost`
 */
export async function readParquetEntries(
  store: ObjectStore,
  input: ManifestSpec,
  position: ParquetPosition,
  wanted: { readonly count: number; readonly versions: boolean; readonly inventory: boolean },
  page: PageBuilder,
  limits: PlanLimits,
): Promise<EntryBatch> {
  const { state, file } = await openList(store, input, position, limits, () => {
    page.readsLeft -= 1;
  });
  const rows = file.starts.at(-1) ?? 0;
  const end = Math.min(state.until ?? rows, rows);
  const columns = wanted.inventory ? chooseInventory(file, input.key) : chooseColumns(file, input.key, page, limits);
  if (columns === null || state.row >= end) return { entries: [], position: null };
  const groupEnd = file.starts.find((start) => start > state.row) ?? end;
  const to = Math.min(state.row + wanted.count, groupEnd, end);
  const names = [...columns.fields.map(([name]) => name), ...columns.groups];
  const values = await file.readRows(state.row, to, names);
  const entries: InputEntry[] = [];
  const rules = { maxGroups: limits.maxGroups, labels: limits.labels, versions: wanted.versions };
  for (const [at, row] of values.entries()) {
    const place = { path: input.key, line: state.row + at + 1 };
    const fields = toFields(row, columns);
    if (fields["is_latest"] === false || fields["is_delete_marker"] === true) continue;
    const { bucket } = fields;
    if (input.bucket !== undefined && typeof bucket === "string" && bucket !== input.bucket) {
      const message = `the row names the bucket ${quoteValue(bucket)}, not ${quoteValue(input.bucket)}: a list is read from one`;
      page.addIssue({ ...place, code: "bucket_mismatch", message });
      continue;
    }
    const parsed = parseEntry(fields, place, rules);
    if (parsed.kind === "entry") entries.push(parsed.entry);
    else for (const issue of parsed.issues) page.addIssue(issue);
  }
  return { entries, position: to >= end ? null : { ...state, row: to } };
}

/** First rows of the row groups behind `position`, and the number of rows at the end. Errors as for {@link readParquetEntries}. */
export async function listRowGroups(
  store: ObjectStore,
  input: ManifestSpec,
  position: ParquetPosition,
  limits: PlanLimits,
): Promise<readonly number[]> {
  const { file } = await openList(store, input, position, limits, () => {});
  return file.starts.filter((start) => start > position.row);
}

async function openList(
  store: ObjectStore,
  { key, etag }: ManifestSpec,
  position: ParquetPosition,
  limits: PlanLimits,
  onRead: () => void,
): Promise<{ readonly state: ParquetPosition & { readonly etag: string }; readonly file: ParquetFile }> {
  let state = position;
  if (position.etag === null) {
    onRead();
    const info = await store.head(key);
    if (info === null) throw new ScoringError("not_found", `there is no manifest object ${key}`);
    if (etag !== undefined && etag !== info.etag) {
      throw new ScoringError("manifest_lost", `the manifest ${key} is not the version with etag ${etag}`);
    }
    state = { ...position, etag: info.etag, size: info.size };
  }
  const version = { key, etag: state.etag ?? "", size: state.size };
  try {
    const file = await openParquet(store, version, limits, onRead);
    return { state: { ...state, etag: version.etag }, file };
  } catch (error) {
    if (!(error instanceof ScoringError)) throw error;
    if (error.code !== "object_changed" && error.code !== "object_missing") throw error;
    throw new ScoringError("manifest_lost", `the manifest ${key} changed while it was read`, { cause: error });
  }
}

/** The columns of a list; `null`, with what is wrong as issues, if it is none. */
function chooseColumns(
  { columns }: ParquetFile,
  key: string,
  page: PageBuilder,
  { maxGroups }: Pick<PlanLimits, "maxGroups">,
): Columns | null {
  const fields: (readonly [string, string])[] = [];
  const groups: string[] = [];
  const refuse = (message: string): null => {
    page.addIssue({ path: key, code: "header_invalid", message });
    return null;
  };
  for (const column of columns) {
    const { name } = column.element;
    const field = getMeaning(name);
    if (field === undefined) {
      if (isPlain(column)) groups.push(name);
      continue;
    }
    const same = fields.find(([, other]) => other === field);
    if (same !== undefined)
      return refuse(`the columns ${quoteValue(same[0])} and ${quoteValue(name)} mean the same; keep one`);
    if (!isPlain(column)) return refuse(`the column ${quoteValue(name)} holds neither text nor whole numbers`);
    fields.push([name, field]);
  }
  if (!fields.some(([, field]) => field === "key")) return refuse(`no column is named "key"`);
  if (groups.length > maxGroups) {
    return refuse(
      `${groups.length} columns would be groups, at most ${maxGroups} may: ${groups.join(", ").slice(0, 200)}`,
    );
  }
  return { fields, groups };
}

/** @throws ScoringError `validation_failed` */
function chooseInventory({ columns }: ParquetFile, key: string): Columns {
  const fields = columns.flatMap(({ element: { name } }) => {
    const field = INVENTORY_COLUMNS[name];
    return field === undefined ? [] : [[name, field] as const];
  });
  if (fields.some(([, field]) => field === "key")) return { fields, groups: [] };
  throw new ScoringError("validation_failed", `${key}: the inventory's data file has no column key`);
}

/** Text, whole numbers and truth values, one per row. */
function isPlain({ children, element }: SchemaTree): boolean {
  const { type, converted_type: converted, logical_type: logical, repetition_type: repetition } = element;
  if (children.length > 0 || repetition === "REPEATED") return false;
  if (type === "BOOLEAN") return true;
  const kind = logical?.type ?? converted ?? "";
  if (type === "BYTE_ARRAY") return ["", "STRING", "UTF8", "ENUM"].includes(kind);
  return (type === "INT32" || type === "INT64") && /^(|INTEGER|U?INT_\d+)$/.test(kind);
}

function toFields(row: Readonly<Record<string, unknown>>, { fields, groups }: Columns): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  for (const [name, field] of fields) {
    const value = row[name] ?? null;
    if (value === null || value === "") continue;
    made[field] = typeof value === "bigint" ? Number(value) : value;
  }
  const named = groups.flatMap((name) => {
    const value = row[name];
    const isText = typeof value === "string" || typeof value === "bigint";
    return (isText && value !== "") || typeof value === "number" || typeof value === "boolean"
      ? [[name, String(value)] as const]
      : [];
  });
  if (named.length > 0) made["groups"] = Object.fromEntries(named);
  return made;
}
