/** Which columns of a Parquet file hold pictures, their paths and their labels: the layout of Hugging Face's `Image` feature. */

import type { FileMetaData, SchemaTree } from "hyparquet";
import { ScoringError } from "../../errors.ts";
import type { ParquetFile } from "./parquet-file.ts";
import { quoteValue } from "./parse-entry.ts";

/** A column by its path, and how many levels of it may be null. */
export interface ByteColumn {
  readonly path: readonly string[];
  readonly optional: number;
}

/** What is read of each row. */
export interface PictureColumns {
  readonly bytes: ByteColumn;
  readonly path: ByteColumn | null;
  /** Column of the true label, with the names that its numbers stand for: `null` where the file names none. */
  readonly label: { readonly name: string; readonly names: readonly string[] | null } | null;
}

const isText = ({ logical_type: logical, converted_type: converted }: SchemaTree["element"]): boolean =>
  ["STRING", "UTF8"].includes(logical?.type ?? converted ?? "");

/** A column of bytes or text, if it holds one value for each row. */
function findBytes(parents: readonly SchemaTree[], name: string): ByteColumn | null {
  const found = parents.at(-1)?.children.find(({ element }) => element.name === name);
  if (found === undefined || found.children.length > 0 || found.element.type !== "BYTE_ARRAY") return null;
  const all = [...parents.slice(1), found];
  if (all.some(({ element }) => element.repetition_type === "REPEATED")) return null;
  const optional = all.filter(({ element }) => element.repetition_type === "OPTIONAL").length;
  return { path: all.map(({ element }) => element.name), optional };
}

/**
 * Finds them: pictures are a group with `bytes`, and perhaps `path`, named `image` where there are several, or a column `image` of bytes.
 * @throws ScoringError `input_invalid`
 */
export function choosePictures({ columns, metadata }: ParquetFile, key: string): PictureColumns {
  const root: SchemaTree = { children: [...columns], count: 0, element: { name: "root" }, path: [] };
  const groups = columns.flatMap((group) => {
    const bytes = findBytes([root, group], "bytes");
    return bytes === null ? [] : [{ name: group.element.name, bytes, path: findBytes([root, group], "path") }];
  });
  const plain = columns.find(({ element }) => element.name === "image");
  const flat = plain === undefined || isText(plain.element) ? null : findBytes([root], "image");
  const chosen = groups.find(({ name }) => name === "image") ?? (groups.length === 1 ? groups[0] : undefined);
  if (chosen === undefined && flat === null) {
    const names = columns.map(({ element }) => quoteValue(element.name)).join(", ");
    const what = groups.length > 1 ? "several columns hold pictures, none is named image" : "no column holds pictures";
    throw new ScoringError("input_invalid", `${key}: ${what}; its columns are ${names.slice(0, 300)}`);
  }
  const label = columns.find(({ element, children }) => element.name === "label" && children.length === 0);
  return {
    bytes: chosen?.bytes ?? flat!,
    path: chosen?.path ?? null,
    label: label === undefined ? null : { name: "label", names: findNames(metadata, "label") },
  };
}

/** What the numbers of a column mean, as the library `datasets` writes it beside the schema. */
function findNames({ key_value_metadata: pairs }: FileMetaData, column: string): readonly string[] | null {
  const text = pairs?.find(({ key }) => key === "huggingface")?.value ?? "null";
  try {
    const value: unknown = JSON.parse(text);
    const names = ["info", "features", column, "names"].reduce<unknown>(
      (at, name) => (typeof at === "object" && at !== null ? Reflect.get(at, name) : undefined),
      value,
    );
    return Array.isArray(names) && names.every((name): name is string => typeof name === "string") ? names : null;
  } catch {
    return null;
  }
}
