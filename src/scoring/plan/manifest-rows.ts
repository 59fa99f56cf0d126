/** Rows of a manifest object, JSONL or CSV, to the fields of an entry. */

import { createCsvLineParser, countCsvFields } from "./csv-line.ts";

/** The fields of a row, or what is wrong with it. `bucket` is null where the row names none. */
export type ManifestRow =
  | { readonly kind: "row"; readonly bucket: string | null; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly kind: "invalid"; readonly code: string; readonly message: string };

/** Reads the lines of one manifest. */
export interface RowParser {
  /** Column names once known; null before, and for a CSV without a header row. */
  readonly columns: readonly string[] | null;
  /** The row of a line; null for a header row. */
  parse(line: string, first: boolean): ManifestRow | null;
}

/** Columns with a meaning of their own, in lower case; every other column is a group. */
const FIELD_NAMES: Readonly<Record<string, string>> = {
  bucket: "bucket",
  key: "key",
  id: "id",
  etag: "etag",
  size: "size",
  label: "label",
  truth: "label",
  versionid: "versionId",
  version_id: "versionId",
};

/** Columns of an S3 Batch Operations manifest, which has no header (AWS documentation, "Specifying a manifest"). */
const BATCH_COLUMNS = ["Bucket", "Key", "VersionId"];

/** One JSON object a line. */
export function createJsonRowParser(): RowParser {
  return {
    columns: null,
    parse(line) {
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch {
        return { kind: "invalid", code: "line_invalid", message: "The line is not JSON." };
      }
      if (typeof value !== "object" || value === null || Array.isArray(value)) {
        return { kind: "invalid", code: "line_invalid", message: "The line is not a JSON object." };
      }
      return { kind: "row", bucket: null, fields: { ...value } };
    },
  };
}

/**
 * CSV with S3 Batch Operations' columns `Bucket,Key[,VersionId]`, or with a header row: `key` and optionally `id`, `etag`,
 * `size`, `label`, `versionId`, `bucket`; any other column is a group. Keys beside a bucket column are URL-encoded, as
 * S3 Batch Operations and S3 Inventory write them (`+` is a space); keys without one are taken as they are.
 */
export function createCsvRowParser(known: readonly string[] | null): RowParser {
  let columns = known;
  let fieldCount = 0;
  let parseLine = createCsvLineParser(1);

  function useFieldCount(count: number): void {
    if (count === fieldCount) return;
    fieldCount = count;
    parseLine = createCsvLineParser(count);
  }

  return {
    get columns() {
      return columns;
    },
    parse(line, first) {
      const count = countCsvFields(line);
      if (count === null) return { kind: "invalid", code: "line_invalid", message: "A quote is not closed." };
      if (first) {
        const header = createCsvLineParser(count)(line);
        if (header !== null && isHeader(header)) {
          columns = header.map((name) => name.trim());
          return null;
        }
      }
      const names = columns ?? BATCH_COLUMNS.slice(0, Math.min(3, Math.max(2, count)));
      useFieldCount(names.length);
      const values = parseLine(line);
      if (values === null) {
        return { kind: "invalid", code: "line_invalid", message: `The line has ${count} fields, not ${names.length}.` };
      }
      return readFields(names, values);
    },
  };
}

function isHeader(names: readonly string[]): boolean {
  const lower = names.map((name) => name.trim().toLowerCase());
  return lower.includes("key") && (lower[0] ?? "") in FIELD_NAMES;
}

function readFields(names: readonly string[], values: readonly string[]): ManifestRow {
  const fields: Record<string, unknown> = {};
  const groups: [string, string][] = [];
  let bucket: string | null = null;
  for (const [at, name] of names.entries()) {
    const value = values[at] ?? "";
    const field = Object.hasOwn(FIELD_NAMES, name.toLowerCase()) ? FIELD_NAMES[name.toLowerCase()] : undefined;
    if (value === "") continue;
    if (field === undefined) groups.push([name, value]);
    else if (field === "bucket") bucket = value;
    else if (field === "size") fields["size"] = Number(value);
    else fields[field] = value;
  }
  if (groups.length > 0) fields["groups"] = Object.fromEntries(groups);
  if (names.some((name) => name.toLowerCase() === "bucket") && typeof fields["key"] === "string") {
    const key = decodeKey(fields["key"]);
    if (key === null) return { kind: "invalid", code: "key_invalid", message: "The key is not URL-encoded." };
    fields["key"] = key;
  }
  return { kind: "row", bucket, fields };
}

function decodeKey(encoded: string): string | null {
  try {
    return decodeURIComponent(encoded.replaceAll("+", " "));
  } catch {
    return null;
  }
}
