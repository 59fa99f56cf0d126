/** The pages of a Parquet column, checked before hyparquet decodes them, and where their values lie. (parquet.thrift.) */

import type { ColumnMetaData, PageHeader } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { readRleBitPackedHybrid } from "hyparquet/src/encoding.js";
import { checkRuns, checkValues, countBits, openReader, readDeltas, type Reader } from "./parquet-counts.ts";

/** A column whose values are no lists. */
export interface PageColumn extends Pick<ColumnMetaData, "type" | "num_values"> {
  /** How many of its levels may be null: 0 for a required column. */
  readonly optional: number;
}

/** A page in the bytes of its column, its sizes and counts checked. */
export interface ParquetPage {
  readonly header: PageHeader;
  /** Of what stands behind the header. */
  readonly start: number;
  readonly end: number;
  /** Rows of the column before it, and its own; none of a dictionary. */
  readonly firstRow: number;
  readonly rows: number;
}

/** Bytes of most headers. */
const HEADER_BYTES = 1024;
/** Bytes of the largest header, which holds bounds of its values. */
export const MAX_HEADER_BYTES = 64 * 1024;

/** A number has ten bytes at most; a longer one takes time that grows with its square, about 1 s for a work of 3 × 10⁸. */
const NUMBER_BYTES = 10;
const MAX_FOOTER_WORK = 3e8;
const MAX_HEADER_WORK = 3e7;

/** How much work numbers could be that are longer than any writer writes; texts of other alphabets look like short ones. */
function countNumberWork(bytes: Uint8Array): number {
  let [work, inRow] = [0, 0];
  for (const byte of bytes) {
    inRow = byte < 0x80 ? 0 : inRow + 1;
    work += Math.max(0, inRow - NUMBER_BYTES);
  }
  return work;
}

/** @throws Error if reading a footer would take long */
export function checkFooter(bytes: Uint8Array): void {
  if (countNumberWork(bytes) > MAX_FOOTER_WORK) throw new Error("the footer holds numbers of more than ten bytes");
}

/** The pages of a column, in order. @throws Error if their sizes or counts do not fit */
export function listPages(bytes: Uint8Array, column: PageColumn, maxBytes: number): readonly ParquetPage[] {
  const pages: ParquetPage[] = [];
  const most = Number(column.num_values);
  let [firstRow, work] = [0, 0];
  for (let offset = 0; offset < bytes.length;) {
    const { header, length } = readHeader(bytes.subarray(offset, offset + MAX_HEADER_BYTES));
    work += countNumberWork(bytes.subarray(offset, offset + length));
    if (work > MAX_HEADER_WORK) throw new Error("the headers of pages hold numbers of more than ten bytes");
    const { compressed_page_size: packed, uncompressed_page_size: whole, type } = header;
    const start = offset + length;
    const counted = header.data_page_header ?? header.data_page_header_v2 ?? header.dictionary_page_header;
    const values = counted?.num_values ?? 0;
    const fits = packed >= 0 && packed <= bytes.length - start && whole >= 0 && whole <= maxBytes;
    const rows = type === "DATA_PAGE" || type === "DATA_PAGE_V2" ? values : 0;
    if (!fits || values < 0 || values > most || firstRow + rows > most) {
      throw new Error("a page is larger than its column");
    }
    offset = start + packed;
    pages.push({ header, start, end: offset, firstRow, rows });
    firstRow += rows;
  }
  return pages;
}

/** See {@link readHeader}. */
export interface ReadHeader {
  readonly header: PageHeader;
  /** Of the header in bytes. */
  readonly length: number;
}

/** The header at the beginning of some bytes. @throws Error */
export function readHeader(bytes: Uint8Array): ReadHeader {
  try {
    return parseHeader(bytes.subarray(0, HEADER_BYTES));
  } catch (error) {
    if (bytes.length <= HEADER_BYTES || countNumberWork(bytes) > MAX_HEADER_WORK) throw error;
    return parseHeader(bytes);
  }
}

function parseHeader(bytes: Uint8Array): ReadHeader {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 };
  const header = parquetHeader(reader);
  return { header, length: reader.offset };
}

/** What a page holds, once its counts are known to fit. */
export interface OpenedPage {
  /** What was inflated of it. */
  readonly body: Uint8Array;
  /** Bytes behind its header that are not part of that: the levels of version 2. */
  readonly before: number;
  /** Whether the body is compressed in the file. */
  readonly isPacked: boolean;
  /** Where in the body its values begin, how many there are, and how they are written. */
  readonly valuesAt: number;
  readonly values: number;
  readonly encoding: string;
  /** Of each row, how much of its path is there: less than the column's `optional` is a null. `null`: none is. */
  readonly levels: readonly number[] | null;
}

/**
 * Checks the counts inside of a data page, and opens it.
 * @param packed bytes behind its header
 * @param inflate for what of it is compressed: exactly so many bytes
 * @returns `null` for another page
 * @throws Error if they do not fit the page
 */
export function openPage(
  { header }: Pick<ParquetPage, "header">,
  packed: Uint8Array,
  { optional, type }: PageColumn,
  inflate: (packed: Uint8Array, length: number) => Uint8Array,
  maxBytes: number,
): OpenedPage | null {
  const { uncompressed_page_size: whole, data_page_header: plain, data_page_header_v2: second } = header;
  const width = countBits(optional);
  if (second !== undefined && header.type === "DATA_PAGE_V2") {
    const { repetition_levels_byte_length: repeats, definition_levels_byte_length: before, encoding } = second;
    const { num_values: rows, num_nulls: nulls, is_compressed: isPacked = true } = second;
    const fits = repeats === 0 && before >= 0 && before <= packed.length && before <= whole;
    if (!fits || nulls < 0 || nulls > rows) throw new Error("a page's levels are longer than the page");
    const reader = openReader(packed.subarray(0, before));
    const levels = optional > 0 ? readLevels(reader, width, rows, before) : null;
    const rest = packed.subarray(before);
    const body = isPacked ? inflate(rest, whole - before) : rest;
    const values = rows - nulls;
    // The library reads RLE as truth values here, whatever the column holds.
    checkValues(openReader(body), encoding === "RLE" ? "truth" : encoding, values, maxBytes);
    return { body, before, isPacked, valuesAt: 0, values, encoding, levels };
  }
  if (plain === undefined || header.type !== "DATA_PAGE") return null;
  const { num_values: rows, encoding } = plain;
  const body = inflate(packed, whole);
  const reader = openReader(body);
  let levels: readonly number[] | null = null;
  if (optional > 0) {
    const length = reader.view.getUint32(0, true);
    reader.offset = 4;
    levels = readLevels(reader, width, rows, length);
    reader.offset = 4 + length;
  }
  const values = levels === null ? rows : levels.filter((level) => level === optional).length;
  const valuesAt = reader.offset;
  const isTruth = type === "BOOLEAN" && /RLE|DICTIONARY/.test(encoding);
  checkValues(reader, isTruth ? "truth" : encoding, values, maxBytes);
  return { body, before: 0, isPacked: true, valuesAt, values, encoding, levels };
}

/** Definition levels, their runs checked first. */
function readLevels(reader: Reader, width: number, rows: number, length: number): readonly number[] {
  checkRuns(reader, width, rows);
  const levels = Array.from({ length: rows }, () => 0);
  readRleBitPackedHybrid(reader, width, levels, length);
  return levels;
}

/** Where a value lies in the body of its page. */
export interface ValuePlace {
  readonly offset: number;
  readonly length: number;
}

/** Texts or bytes written one after the other, each behind its length. @throws Error if they end before the last */
export function locatePlain(body: Uint8Array, from: number, values: number): readonly ValuePlace[] {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const places: ValuePlace[] = [];
  for (let at = from; places.length < values;) {
    const length = view.getUint32(at, true);
    if (length > body.length - at - 4) throw new Error("a value is longer than its page");
    places.push({ offset: at + 4, length });
    at += 4 + length;
  }
  return places;
}

/** The same where all lengths come first, as differences. @throws Error */
export function locateDeltas({ body, valuesAt, values }: OpenedPage): readonly ValuePlace[] {
  const reader = openReader(body);
  reader.offset = valuesAt;
  const places: ValuePlace[] = [];
  const lengths = readDeltas(reader, values);
  let at = reader.offset;
  for (const length of lengths) {
    if (length < 0 || length > body.length - at) throw new Error("a value is longer than its page");
    places.push({ offset: at, length });
    at += length;
  }
  return places;
}

/** Numbers of a page's values in the dictionary of its column. */
export function readPlaces({ body, valuesAt, values }: OpenedPage): readonly number[] {
  const reader = openReader(body);
  reader.offset = valuesAt;
  const width = reader.view.getUint8(reader.offset++);
  const places = Array.from({ length: values }, () => 0);
  if (width > 0) readRleBitPackedHybrid(reader, width, places, body.length - reader.offset);
  return places;
}
