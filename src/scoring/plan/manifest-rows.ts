/** Rows of a manifest object, JSONL or CSV, to the fields of an entry. */

import type { Issue } from "../../errors.ts";
import { createCsvLineParser, countCsvFields } from "./csv-line.ts";

/** What is wrong with a row. `column` is the 1-based field of a CSV line. */
export type RowFinding = Pick<Issue, "code" | "message" | "column">;

/** The fields of a row, or what is wrong with it. `bucket` is null where the row names none. */
export type ManifestRow =
  | { readonly kind: "row"; readonly bucket: string | null; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly kind: "invalid"; readonly finding: RowFinding }
  /** A header row that cannot be read: the rows after it have no meaning. */
  | { readonly kind: "unreadable"; readonly findings: readonly RowFinding[] };

/** Reads the lines of one manifest. */
export interface RowParser {
  /** Column names once known; null before, and for a CSV without a header row. */
  readonly columns: readonly string[] | null;
  /** The row of a line; null for a header row, and for one of an inventory that is no input. */
  parse(line: string, first: boolean): ManifestRow | null;
  /** The 1-based column of a CSV that holds this field of an entry. */
  findColumn(field: string): number | undefined;
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

/** A column of an inventory that says nothing about an input. */
export const IGNORED_COLUMN = "\u0000ignored";
/** A column of an inventory: rows with `false` are left out. */
export const LATEST_COLUMN = "\u0000latest";
/** A column of an inventory: rows with `true` are left out. */
export const MARKER_COLUMN = "\u0000marker";

/** Columns of an S3 Batch Operations manifest, which has no header (AWS documentation, "Specifying a manifest"). */
const BATCH_COLUMNS = ["Bucket", "Key", "VersionId"];

/** One JSON object per line. */
export function createJsonRowParser(): RowParser {
  return {
    columns: null,
    parse(line) {
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch {
        return refuseLine("the line is not JSON");
      }
      if (typeof value !== "object" || value === null || Array.isArray(value)) {
        return refuseLine("the line is not a JSON object");
      }
      return { kind: "row", bucket: null, fields: { ...value } };
    },
    findColumn: () => undefined,
  };
}

/**
 * CSV with S3 Batch Operations' columns `Bucket,Key[,VersionId]`, or with a header row: `key` and optionally `id`, `etag`,
 * `size`, `label`, `versionId`, `bucket`; any other column is a group. A first row that looks like a header without being one is
 * unreadable: taken for a row, it would name objects that nobody meant. Keys beside a bucket column are URL-encoded, as
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
      if (count === null) return refuseLine("a quote is not closed");
      if (first) {
        const header = createCsvLineParser(count)(line)?.map((name) => name.trim()) ?? [];
        if (header.some((name) => getMeaning(name) !== undefined)) {
          const findings = checkHeader(header);
          if (findings.length > 0) return { kind: "unreadable", findings };
          columns = header;
          return null;
        }
      }
      const names = columns ?? BATCH_COLUMNS.slice(0, Math.min(3, Math.max(2, count)));
      useFieldCount(names.length);
      const values = parseLine(line);
      if (values === null) {
        return refuseLine(`the line has ${count} fields, not ${names.length}`);
      }
      const isOld = values.some(
        (value, at) =>
          (names[at] === LATEST_COLUMN && value === "false") || (names[at] === MARKER_COLUMN && value === "true"),
      );
      return isOld ? null : readFields(names, values);
    },
    findColumn(field) {
      const at = (columns ?? BATCH_COLUMNS).findIndex((name) => getMeaning(name) === field);
      return at === -1 ? undefined : at + 1;
    },
  };
}

function refuseLine(message: string, code = "line_invalid"): ManifestRow {
  return { kind: "invalid", finding: { code, message } };
}

/** The field that a column holds; undefined for a group. */
export function getMeaning(name: string): string | undefined {
  const lower = name.toLowerCase();
  return Object.hasOwn(FIELD_NAMES, lower) ? FIELD_NAMES[lower] : undefined;
}

/** What keeps a first row with a known column from being a header. */
function checkHeader(names: readonly string[]): RowFinding[] {
  const meanings = names.map(getMeaning);
  const quoted = names.map((name) => JSON.stringify(name));
  if (!meanings.includes("key")) {
    const column = meanings.findIndex((meaning) => meaning !== undefined) + 1;
    const message = `column ${column}, ${quoted[column - 1]}, makes this a header, and no column is named "key"; give the column of the keys this name, or begin with "Bucket,Key" if this is a row`;
    return [{ code: "header_invalid", column, message }];
  }
  if (meanings[0] === undefined) {
    const message = `column 1, ${quoted[0]}, does not begin a header: put the column "key" first, or begin with "Bucket,Key" if this is a row`;
    return [{ code: "header_invalid", column: 1, message }];
  }
  return names.flatMap((name, at) => {
    const first = names.findIndex((other, place) => (meanings[at] ?? name) === (meanings[place] ?? other));
    if (name === "" || first === at) return [];
    const same = name === names[first] ? "" : ", which means the same";
    const message = `column ${at + 1}, ${quoted[at]}, comes after column ${first + 1}, ${quoted[first]}${same}; keep one of them`;
    return [{ code: "header_invalid", column: at + 1, message }];
  });
}

function readFields(names: readonly string[], values: readonly string[]): ManifestRow {
  const fields: Record<string, unknown> = {};
  const groups: [string, string][] = [];
  let bucket: string | null = null;
  for (const [at, name] of names.entries()) {
    const value = values[at] ?? "";
    const field = getMeaning(name);
    if (value === "" || name.startsWith("\u0000")) continue;
    if (field === undefined) groups.push([name, value]);
    else if (field === "bucket") bucket = value;
    // Digits alone: Number() would take " ", 0x10 and 1e3 too.
    else if (field === "size") fields["size"] = /^\d+$/.test(value) ? Number(value) : value;
    else fields[field] = value;
  }
  if (groups.length > 0) fields["groups"] = Object.fromEntries(groups);
  if (names.some((name) => getMeaning(name) === "bucket") && typeof fields["key"] === "string") {
    const key = decodeKey(fields["key"]);
    if (key === null) return refuseLine("the key is not URL-encoded", "key_invalid");
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
