/** One version of a Parquet file in a store, read by ranges and within bounds: metadata, and rows of one row group. */

import {
  type AsyncBuffer,
  type ColumnMetaData,
  type Compressors,
  type FileMetaData,
  parquetMetadata,
  parquetReadObjects,
  parquetSchema,
  type SchemaTree,
  snappyUncompress,
} from "hyparquet";
import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { type ObjectVersion, readRange } from "../inputs/range-reader.ts";
import { createMemberGunzip } from "./gunzip-members.ts";
import type { PlanLimits } from "./input-page.ts";
import { checkFooter, openPage, listPages, type PageColumn } from "./parquet-pages.ts";

/** The file, its metadata read. */
export interface ParquetFile {
  readonly metadata: FileMetaData;
  /** Top-level columns. */
  readonly columns: readonly SchemaTree[];
  /** First row of each row group, and behind the last one the number of rows. */
  readonly starts: readonly number[];
  /** Rows `from` to `to` without it, all of one row group, as values by column. */
  readRows(from: number, to: number, columns: readonly string[]): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

/** What reading may take. */
export type ParquetLimits = Pick<PlanLimits, "maxParquetBytes" | "windowBytes">;

/**
 * @param onRead called before each request
 * @throws ScoringError `validation_failed` for what is no Parquet, is compressed in another way than UNCOMPRESSED, SNAPPY or GZIP, or has
 * more metadata, or larger row groups in the columns that are read, than `maxParquetBytes`; `object_missing`, `object_changed`
 */
export async function openParquet(
  store: ObjectStore,
  object: ObjectVersion,
  limits: ParquetLimits,
  onRead: () => void,
): Promise<ParquetFile> {
  const { key, size } = object;
  const refuse = (message: string, cause?: unknown): ScoringError =>
    new ScoringError("validation_failed", `${key}: ${message}`, cause === undefined ? {} : { cause });
  const checkBytes = (bytes: number, what: string): void => {
    if (bytes > limits.maxParquetBytes) throw refuse(`${what} ${bytes} bytes; the limit is ${limits.maxParquetBytes}`);
  };
  const file: AsyncBuffer = {
    byteLength: size,
    async slice(start, end = size) {
      const isWithin = Number.isSafeInteger(start) && start >= 0 && end >= start && end <= size;
      if (!isWithin) throw refuse("it names bytes that it does not have");
      checkBytes(end - start, "one read would take");
      if (end === start) return new ArrayBuffer(0);
      onRead();
      return Uint8Array.from(await readRange(store, object, start, end - start)).buffer;
    },
  };
  const compressors: Compressors = {
    SNAPPY(input, length) {
      checkBytes(length, "a page would have");
      const output = new Uint8Array(length);
      snappyUncompress(input, output);
      return output;
    },
    GZIP(input, length) {
      checkBytes(length, "a page would have");
      return gunzipPage(input, length);
    },
  };
  const attempt = async <T>(body: () => Promise<T>): Promise<T> => {
    try {
      return await body();
    } catch (error) {
      if (error instanceof ScoringError) throw error;
      throw refuse(`it cannot be read as Parquet: ${error instanceof Error ? error.message : String(error)}`, error);
    }
  };
  if (size < 12) throw refuse("it is too short for a Parquet file");
  const metadata = await attempt(() => readMetadata(file, limits.windowBytes));
  const columns = await attempt(async () => {
    const { children } = parquetSchema(metadata);
    // A count of children that is too large names columns that are not there.
    if (children.some(({ element }: Partial<SchemaTree>) => typeof element?.name !== "string")) {
      throw new Error("its schema names columns that it does not have");
    }
    return children;
  });
  const starts = [0];
  let rows = 0;
  for (const group of metadata.row_groups) starts.push((rows += Number(group.num_rows)));
  return {
    metadata,
    columns,
    starts,
    async readRows(from, to, names) {
      const group = metadata.row_groups[starts.findLastIndex((start) => start <= from)];
      const chosen = (group?.columns ?? []).flatMap(({ meta_data: column }) =>
        column !== undefined && names.includes(column.path_in_schema[0] ?? "") ? [column] : [],
      );
      for (const { codec, path_in_schema: path, num_values: values } of chosen) {
        if (!["UNCOMPRESSED", "SNAPPY", "GZIP"].includes(codec)) {
          throw refuse(`column ${path.join(".")} is compressed by ${codec}: write it with SNAPPY or GZIP`);
        }
        if (values !== group?.num_rows) {
          throw refuse(`column ${path.join(".")} has not as many values as its row group has rows`);
        }
      }
      const bytes = chosen.reduce((sum, column) => sum + Number(column.total_uncompressed_size), 0);
      checkBytes(bytes, `the row group of row ${from + 1} has, in the columns that are read,`);
      const rows = Number(group?.num_rows ?? 0);
      // Each value has a place of its own, whatever it is.
      if (rows * VALUE_BYTES > limits.maxParquetBytes) {
        throw refuse(`its row group of ${rows} rows is too long: write it in row groups of a million`);
      }
      return attempt(async () => {
        const first = starts.findLast((start) => start <= from) ?? 0;
        const span = { from: from - first, to: to - first };
        const read = chosen.map(async (column) => {
          const element = columns.find(({ element: { name } }) => name === column.path_in_schema[0])?.element;
          const optional = element?.repetition_type === "OPTIONAL" ? 1 : 0;
          return readChunk(file, { ...column, optional }, span, compressors, limits.maxParquetBytes);
        });
        const chunks = await Promise.all(read);
        const held = { byteLength: size, slice: (start: number, end = size) => copyChunks(chunks, start, end) };
        const rowRange = { rowStart: from, rowEnd: to };
        return parquetReadObjects({ file: held, metadata, columns: [...names], ...rowRange, compressors });
      });
    },
  };
}

/** Bytes of a decoded value in an array of them, at least. */
const VALUE_BYTES = 8;

/** Compressed bytes that are inflated at once: 1,032 times as many may come out, and no more than a page has are wanted. */
const SLICE_BYTES = 4096;

/** A page of gzip. @throws Error as soon as it is known to be larger than its header says */
function gunzipPage(packed: Uint8Array, length: number): Uint8Array {
  const page = new Uint8Array(length);
  const gunzip = createMemberGunzip();
  let filled = 0;
  const take = (pieces: readonly Uint8Array[]): void => {
    for (const piece of pieces) {
      if (piece.length > length - filled) throw new Error("a page inflates to more than its header says");
      page.set(piece, filled);
      filled += piece.length;
    }
  };
  for (let at = 0; at < packed.length; at += SLICE_BYTES) take(gunzip.push(packed.subarray(at, at + SLICE_BYTES)));
  take(gunzip.finish());
  if (filled < length) throw new Error("a page inflates to less than its header says");
  return page;
}

/** The footer. @throws Error */
async function readMetadata(file: AsyncBuffer, windowBytes: number): Promise<FileMetaData> {
  const size = file.byteLength;
  const read = async (bytes: number) => new Uint8Array(await file.slice(Math.max(0, size - bytes), size));
  let tail = await read(windowBytes);
  const length = new DataView(tail.buffer).getUint32(tail.length - 8, true);
  if (length + 8 > tail.length) tail = await read(length + 8);
  // Without the magic number at the end the library refuses it, before it looks at anything else.
  checkFooter(tail.subarray(Math.max(0, tail.length - 8 - length), -8));
  return parquetMetadata(tail);
}

interface Chunk {
  readonly start: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A column of a row group; of its pages, those are checked that the rows from `from` to `to` without it are decoded from. @throws Error */
async function readChunk(
  file: AsyncBuffer,
  column: ColumnMetaData & PageColumn,
  { from, to }: { readonly from: number; readonly to: number },
  compressors: Compressors,
  maxBytes: number,
): Promise<Chunk> {
  const start = Number(column.dictionary_page_offset || column.data_page_offset);
  const bytes = new Uint8Array(await file.slice(start, start + Number(column.total_compressed_size)));
  const inflate = compressors[column.codec] ?? ((packed: Uint8Array) => packed);
  for (const page of listPages(bytes, column, maxBytes)) {
    if (page.firstRow + page.rows < from || page.firstRow >= to) continue;
    openPage(page, bytes.subarray(page.start, page.end), column, inflate, maxBytes);
  }
  return { start, bytes };
}

/** What the chunks have of a range; what lies between them is not looked at. */
function copyChunks(chunks: readonly Chunk[], start: number, end: number): ArrayBuffer {
  const copy = new Uint8Array(end - start);
  for (const { start: at, bytes } of chunks) {
    if (at >= end || at + bytes.length <= start) continue;
    copy.set(bytes.subarray(Math.max(0, start - at), end - at), Math.max(0, at - start));
  }
  return copy.buffer;
}
