/**
 * The pages of a Parquet column, checked before hyparquet decodes them. It takes at their word the counts inside of them: a run of two
 * billion values, a number of a million bytes or a text that repeats the one before takes few bytes to write, and minutes or
 * gigabytes to read. (Apache Parquet, "Encodings" and parquet.thrift.)
 */

import type { ColumnMetaData, PageHeader } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { deltaBinaryUnpack } from "hyparquet/src/delta.js";
import { readRleBitPackedHybrid } from "hyparquet/src/encoding.js";

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

/** Bytes of most headers, and of the largest, which holds bounds of its values. */
const HEADER_BYTES = 1024;
const MAX_HEADER_BYTES = 64 * 1024;

/** A number has ten bytes at most; a longer one takes time that grows with its square, about 1 s for a work of 3 × 10⁸. */
const NUMBER_BYTES = 10;
const MAX_FOOTER_WORK = 3e8;
const MAX_HEADER_WORK = 3e7;

/** Values by which a run may pass the end of its page: packed runs come in eights, and some writers fill whole blocks. */
const SLACK_VALUES = 512;

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

interface ReadHeader {
  readonly header: PageHeader;
  /** Of the header in bytes. */
  readonly length: number;
}

function readHeader(bytes: Uint8Array): ReadHeader {
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

/**
 * Checks the counts inside of a page.
 * @param packed bytes behind its header
 * @param inflate for what of it is compressed: exactly so many bytes
 * @throws Error if they do not fit the page
 */
export function checkPage(
  { header }: ParquetPage,
  packed: Uint8Array,
  { optional, type }: PageColumn,
  inflate: (packed: Uint8Array, length: number) => Uint8Array,
  maxBytes: number,
): void {
  const { uncompressed_page_size: whole, data_page_header: plain, data_page_header_v2: second } = header;
  if (second !== undefined && header.type === "DATA_PAGE_V2") {
    const { repetition_levels_byte_length: before, definition_levels_byte_length: levels } = second;
    const { num_values: values, num_nulls: nulls } = second;
    const fits = before === 0 && levels >= 0 && levels <= packed.length && levels <= whole;
    if (!fits || nulls < 0 || nulls > values) throw new Error("a page's levels are longer than the page");
    if (optional > 0) checkRuns(openReader(packed.subarray(0, levels)), countBits(optional), values);
    const rest = packed.subarray(levels);
    const body = second.is_compressed === false ? rest : inflate(rest, whole - levels);
    // The library reads RLE as truth values here, whatever the column holds.
    const isTruth = second.encoding === "RLE";
    checkValues(openReader(body), isTruth ? "truth" : second.encoding, values - nulls, maxBytes);
  } else if (plain !== undefined && header.type === "DATA_PAGE") {
    const reader = openReader(inflate(packed, whole));
    let values = plain.num_values;
    if (optional > 0) {
      const length = reader.view.getUint32(0, true);
      checkRuns(openReader(reader.bytes.subarray(4)), countBits(optional), values);
      const levels = Array.from({ length: values }, () => 0);
      readRleBitPackedHybrid(reader, countBits(optional), levels);
      reader.offset = 4 + length;
      values = levels.reduce((sum, level) => sum + (level === optional ? 1 : 0), 0);
    }
    const isTruth = type === "BOOLEAN" && /RLE|DICTIONARY/.test(plain.encoding);
    checkValues(reader, isTruth ? "truth" : plain.encoding, values, maxBytes);
  }
}

interface Reader {
  readonly bytes: Uint8Array;
  readonly view: DataView<ArrayBuffer>;
  offset: number;
}

function openReader(bytes: Uint8Array): Reader {
  const own = bytes.slice();
  return { bytes: own, view: new DataView(own.buffer), offset: 0 };
}

const countBits = (most: number): number => 32 - Math.clz32(most);

function checkValues(reader: Reader, encoding: string, values: number, maxBytes: number): void {
  switch (encoding) {
    case "RLE":
    case "PLAIN_DICTIONARY":
    case "RLE_DICTIONARY": {
      const width = reader.view.getUint8(reader.offset++);
      if (width > 32) throw new Error("the places in a dictionary have more than 32 bits");
      if (width > 0) checkRuns(reader, width, values);
      return;
    }
    case "truth":
      // Behind a number that says how long they are.
      reader.offset += 4;
      checkRuns(reader, 1, values);
      return;
    case "DELTA_BINARY_PACKED":
    case "DELTA_LENGTH_BYTE_ARRAY":
      checkDeltas(reader, values);
      return;
    case "DELTA_BYTE_ARRAY": {
      const [prefixes, suffixes] = [readDeltas(reader, values), readDeltas(reader, values)];
      let [length, total] = [0, 0];
      for (const [at, prefix] of prefixes.entries()) {
        const suffix = suffixes[at] ?? 0;
        if (prefix < 0 || suffix < 0 || prefix > length) throw new Error("a text shares more than the one before has");
        length = prefix + suffix;
        total += length;
        if (total > maxBytes) throw new Error(`texts would take more than ${maxBytes} bytes`);
      }
    }
  }
}

/** Walks the runs of an RLE and bit-packed hybrid. */
function checkRuns(reader: Reader, width: number, values: number): void {
  const start = reader.offset;
  for (let seen = 0; seen < values;) {
    const head = readNumber(reader);
    const isPacked = head % 2 === 1;
    const count = Math.floor(head / 2) * (isPacked ? 8 : 1);
    if (count > values - seen + SLACK_VALUES) throw new Error("a run is longer than its page");
    reader.offset += isPacked ? (count / 8) * width : Math.ceil(width / 8);
    seen += count;
  }
  reader.offset = start;
}

/** Walks the blocks of DELTA_BINARY_PACKED to their end. */
function checkDeltas(reader: Reader, values: number): void {
  const block = readNumber(reader);
  const parts = readNumber(reader);
  const each = block / parts;
  if (!(block > 0 && block <= 65_536 && parts > 0 && parts <= 512 && Number.isInteger(each))) {
    throw new Error("its differences come in blocks that no writer makes");
  }
  readNumber(reader);
  readNumber(reader);
  for (let seen = 1; seen < values;) {
    readNumber(reader);
    const widths = reader.bytes.subarray(reader.offset, reader.offset + parts);
    reader.offset += parts;
    for (const width of widths) {
      if (seen >= values) break;
      if (width > 64) throw new Error("a difference has more than 64 bits");
      reader.offset += (each * width) / 8;
      seen += each;
    }
    if (reader.offset > reader.bytes.length) throw new Error("its differences end before the last");
  }
}

/** Reads them, once they are known to be harmless; the reader goes on behind them. */
function readDeltas(reader: Reader, values: number): Int32Array {
  const start = reader.offset;
  checkDeltas(reader, values);
  reader.offset = start;
  const deltas = new Int32Array(values);
  deltaBinaryUnpack(reader, values, deltas);
  return deltas;
}

/** A varint of at most ten bytes. */
function readNumber(reader: Reader): number {
  let value = 0;
  for (let at = 0; at < 10; at++) {
    const byte = reader.view.getUint8(reader.offset++);
    value += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return value;
  }
  throw new Error("a number has more than ten bytes");
}
