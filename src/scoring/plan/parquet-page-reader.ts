/** Reads the pages of a Parquet file one by one, by ranges, and says where in them each row's value lies. */

import { snappyUncompress } from "hyparquet";
import { ScoringError } from "../../errors.ts";
import type { Label } from "../../model/labels.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { readRange } from "../inputs/range-reader.ts";
import type { PAGE_CODECS } from "../records/input-item.ts";
import type { PlanLimits } from "./input-page.ts";
import type { PageBuilder } from "./page-builder.ts";
import type { ParquetFile } from "./parquet-file.ts";
import {
  locateDeltas,
  locatePlain,
  MAX_HEADER_BYTES,
  openPage,
  type OpenedPage,
  type PageColumn,
  readHeader,
  readPlaces,
  type ValuePlace,
} from "./parquet-pages.ts";
import type { ByteColumn, PictureColumns } from "./parquet-pictures.ts";
import { makeId, parseLabel, quoteValue } from "./parse-entry.ts";
import type { ContainerPosition } from "./plan-cursor.ts";

type Codec = (typeof PAGE_CODECS)[number];

/** Bytes of a page, where they lie in the file, and what they inflate to. */
interface Body {
  readonly range: { readonly offset: number; readonly length: number };
  readonly codec: Codec;
  readonly bytes: Uint8Array;
}

/** A column of one row group. */
interface Column extends PageColumn {
  readonly codec: Codec;
  readonly start: number;
  readonly end: number;
}

/** A page's values, row by row: each with the page that holds it, which may be the dictionary. `null`: the row has none. */
export interface Page {
  readonly end: number;
  readonly rows: readonly ({ readonly body: Body; readonly place: ValuePlace } | null)[];
}

/** A reader of one version of a file. @param onRead called before each request */
export function createPageReader(
  store: ObjectStore,
  entry: ContainerPosition["entry"],
  file: ParquetFile,
  limits: PlanLimits,
  onRead: () => void,
) {
  const refuse = (message: string): ScoringError =>
    new ScoringError("input_invalid", `${entry.key}: ${makeId(message)}`);
  const read = (start: number, length: number): Promise<Uint8Array> => {
    onRead();
    return readRange(store, entry, start, length);
  };

  /** What the library and the checks throw is about the file. */
  async function attempt<T>(body: () => Promise<T> | T): Promise<T> {
    try {
      return await body();
    } catch (error) {
      if (error instanceof ScoringError) throw error;
      throw refuse(`it cannot be read as Parquet: ${error instanceof Error ? error.message : "unknown"}`);
    }
  }

  /** The column of the row group that has this row. */
  function openColumn(
    row: number,
    { path, optional }: ByteColumn,
  ): { readonly first: number; readonly last: number; readonly column: Column } {
    const group = file.starts.findLastIndex((start) => start <= row);
    const { columns = [], num_rows: rows = 0n } = file.metadata.row_groups[group] ?? {};
    const name = path.join(".");
    const data = columns.find(({ meta_data: one }) => one?.path_in_schema.join(".") === name)?.meta_data;
    if (data === undefined) throw refuse(`its row group ${group} has no column ${name}`);
    const { codec, type, num_values: values } = data;
    if (codec !== "UNCOMPRESSED" && codec !== "SNAPPY") {
      throw refuse(`column ${name} is compressed by ${codec}: write pictures with SNAPPY or without compression`);
    }
    if (values !== rows) throw refuse(`column ${name} has not as many values as its row group has rows`);
    const start = Number(data.dictionary_page_offset || data.data_page_offset);
    const end = start + Number(data.total_compressed_size);
    if (!(start > 0 && end > start && end <= entry.size)) throw refuse(`column ${name} lies outside of the file`);
    const column = {
      type,
      num_values: values,
      optional,
      start,
      end,
      codec: codec === "SNAPPY" ? "snappy" : "none",
    } as const;
    return { first: file.starts[group] ?? 0, last: file.starts[group + 1] ?? 0, column };
  }

  /** A page of any kind: its header, and what stands behind it. */
  async function readRaw(column: Column, at: number, maxBytes: number) {
    const head = await read(at, Math.min(MAX_HEADER_BYTES, column.end - at));
    const { header, length } = readHeader(head);
    const { compressed_page_size: packed, uncompressed_page_size: whole } = header;
    const start = at + length;
    const fits = packed >= 0 && whole >= 0 && packed <= column.end - start;
    if (!fits) throw new Error("a page is larger than its column");
    if (Math.max(packed, whole) > maxBytes) {
      throw refuse(
        `a page of ${Math.max(packed, whole)} bytes is too large, at most ${maxBytes} may be: write smaller row groups`,
      );
    }
    const isHeld = length + packed <= head.length;
    const bytes = isHeld ? head.slice(length, length + packed) : await read(start, packed);
    return { header, start, end: start + packed, bytes };
  }

  async function readDictionary(
    column: Column,
    maxBytes: number,
  ): Promise<readonly { body: Body; place: ValuePlace }[]> {
    const { header, start, bytes } = await readRaw(column, column.start, maxBytes);
    const count = header.dictionary_page_header?.num_values;
    if (header.type !== "DICTIONARY_PAGE" || count === undefined) throw new Error("its dictionary is missing");
    const inflated = inflate(column, bytes, header.uncompressed_page_size);
    const body = { range: { offset: start, length: bytes.length }, codec: column.codec, bytes: inflated };
    return locatePlain(inflated, 0, count).map((place) => ({ body, place }));
  }

  /** The data page at `at`, or the first behind it. */
  async function readPage(column: Column, from: number, maxBytes: number): Promise<Page> {
    return attempt(async () => {
      for (let at = from; at < column.end;) {
        const { header, start, end, bytes } = await readRaw(column, at, maxBytes);
        at = end;
        const values = header.data_page_header?.num_values ?? header.data_page_header_v2?.num_values ?? 0;
        if (values < 0 || values > Number(column.num_values)) throw new Error("a page has more values than its column");
        const unpack = (packed: Uint8Array, length: number): Uint8Array => inflate(column, packed, length);
        const opened = openPage({ header }, bytes, column, unpack, maxBytes);
        if (opened === null || values === 0) continue;
        const range = { offset: start + opened.before, length: bytes.length - opened.before };
        const codec = opened.isPacked ? column.codec : "none";
        const own = { range, codec, bytes: opened.body };
        const places = await locate(column, own, opened, maxBytes);
        const levels = opened.levels ?? Array.from({ length: values }, () => column.optional);
        let next = 0;
        const rows = levels.map((level) => (level === column.optional ? (places[next++] ?? null) : null));
        return { end, rows };
      }
      throw new Error("its pages end before its rows");
    });
  }

  async function locate(column: Column, body: Body, opened: OpenedPage, maxBytes: number) {
    if (opened.encoding === "PLAIN") {
      return locatePlain(opened.body, opened.valuesAt, opened.values).map((place) => ({ body, place }));
    }
    if (opened.encoding === "DELTA_LENGTH_BYTE_ARRAY") {
      return locateDeltas(opened).map((place) => ({ body, place }));
    }
    if (!opened.encoding.endsWith("_DICTIONARY")) {
      throw refuse(`pictures are encoded as ${opened.encoding}: write them PLAIN`);
    }
    const dictionary = await readDictionary(column, maxBytes);
    return readPlaces(opened).map((number) => {
      const found = dictionary[number];
      if (found === undefined) throw new Error("a value is not in its dictionary");
      return found;
    });
  }

  return {
    openColumn,
    readPage,
    /** The texts of a column of the rows from `from` to `to`, all of one row group. */
    async readTexts(wanted: ByteColumn, from: number, to: number): Promise<readonly string[]> {
      const { first, column } = openColumn(from, wanted);
      const decoder = new TextDecoder();
      const texts: string[] = [];
      let row = first;
      for (let at = column.start; row < to;) {
        const { end, rows } = await readPage(column, at, limits.maxPicturePageBytes);
        const own = rows.slice(Math.max(0, from - row), Math.max(0, to - row));
        for (const found of own) {
          const { offset = 0, length = 0 } = found?.place ?? {};
          texts.push(decoder.decode(found?.body.bytes.subarray(offset, offset + length)));
        }
        row += rows.length;
        at = end;
      }
      return texts;
    },
    /** The true labels of these rows; what is no label is an issue, and -1 and nothing are none. */
    async readLabels(
      { name, names }: NonNullable<PictureColumns["label"]>,
      from: number,
      to: number,
      page: PageBuilder,
    ): Promise<readonly (Label | undefined)[]> {
      const values = await file.readRows(from, to, [name]);
      return values.map((row, at) => {
        const raw = row[name] ?? null;
        const value = typeof raw === "bigint" ? Number(raw) : raw;
        if (value === null || value === "" || value === -1) return undefined;
        const label = parseLabel(typeof value === "number" && names !== null ? names[value] : value, limits.labels);
        if (label !== null) return label;
        const message = `${quoteValue(typeof value === "number" ? (names?.[value] ?? value) : value)} is not a label`;
        page.addIssue({ path: `${entry.key}.${name}`, line: from + at + 1, code: "label_unknown", message });
        return undefined;
      });
    },
  };
}

function inflate({ codec }: Column, packed: Uint8Array, length: number): Uint8Array {
  if (codec === "none") return packed;
  const bytes = new Uint8Array(length);
  snappyUncompress(packed, bytes);
  return bytes;
}
