/** One version of a Parquet file in a store, read by ranges and within bounds: metadata, and rows of one row group. */

import { gunzipSync } from "fflate";
import {
  type AsyncBuffer,
  type ColumnMetaData,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type SchemaTree,
  snappyUncompress,
} from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { type ObjectVersion, readRange } from "../inputs/range-reader.ts";
import type { PlanLimits } from "./input-page.ts";

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
      return gunzipSync(input, { out: new Uint8Array(length) });
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
  const metadata = await attempt(() => parquetMetadataAsync(file, { initialFetchSize: limits.windowBytes }));
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
      return attempt(async () => {
        const chunks = await Promise.all(chosen.map((column) => readChunk(file, column, limits.maxParquetBytes)));
        const held = { byteLength: size, slice: (start: number, end = size) => copyChunks(chunks, start, end) };
        const rowRange = { rowStart: from, rowEnd: to };
        return parquetReadObjects({ file: held, metadata, columns: [...names], ...rowRange, compressors });
      });
    },
  };
}

interface Chunk {
  readonly start: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A column of a row group, its pages checked: the library takes their sizes at their word. @throws Error */
async function readChunk(file: AsyncBuffer, column: ColumnMetaData, maxBytes: number): Promise<Chunk> {
  const start = Number(column.dictionary_page_offset || column.data_page_offset);
  const bytes = new Uint8Array(await file.slice(start, start + Number(column.total_compressed_size)));
  const reader = { view: new DataView(bytes.buffer), offset: 0 };
  while (reader.offset < bytes.length) {
    const header = parquetHeader(reader);
    const { compressed_page_size: packed, uncompressed_page_size: whole } = header;
    const counted = header.data_page_header ?? header.data_page_header_v2 ?? header.dictionary_page_header;
    const values = counted?.num_values ?? 0;
    const fits = packed >= 0 && packed <= bytes.length - reader.offset && whole >= 0 && whole <= maxBytes;
    if (!fits || values < 0 || values > Number(column.num_values)) throw new Error("a page is larger than its column");
    reader.offset += packed;
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
