/** What turns records into a label file. */

import type { Limits } from "../limits.ts";
import type { RecordShape, ScoreRecord } from "../records/records.ts";

/** Lines of text, one per record: what a chunk adds depends on the chunk alone, so it is made wherever a core is free. */
export interface RowEncoder {
  readonly kind: "rows";
  /** What stands before the first row. */
  readonly head: (groupKeys: readonly string[], shape: RecordShape) => string;
  /** Rows, each with its newline: those of `a` and then those of `b` are those of `[...a, ...b]`. */
  readonly rows: (records: readonly ScoreRecord[], groupKeys: readonly string[], shape: RecordShape) => string;
  /** Whether the rows are the lines of a stored part, byte for byte, so that they need not be written anew. */
  readonly isPart: boolean;
}

/** A file under way whose bytes depend on the order of all records. */
export interface StreamEncoder {
  readonly kind: "stream";
  readonly open: (options: StreamOptions, state?: Uint8Array) => LabelStream;
}

/** What a stream needs to know before its first record. */
export interface StreamOptions {
  readonly groupKeys: readonly string[];
  readonly shape: RecordShape;
  /** Records of the file, about. */
  readonly records: number;
  /** Whether row groups say more about their rows than which ids they hold; absent: no. */
  readonly describes?: boolean;
  readonly limits: Pick<Limits, "minParquetRowGroupRows" | "maxParquetRowGroupRows" | "targetParquetRowGroups">;
}

/**
 * An open stream. Its bytes depend on the records alone, not on how they were cut into calls or invocations: `encode(a)` then
 * `encode(b)` gives what `encode([...a, ...b])` gives.
 */
export interface LabelStream {
  /** Bytes that these records complete. */
  encode(records: readonly ScoreRecord[]): Uint8Array<ArrayBuffer>;
  /** The last bytes. The stream takes no records afterwards. */
  finish(): Uint8Array<ArrayBuffer>;
  /** What `open` needs to go on in another invocation. */
  save(): Uint8Array<ArrayBuffer>;
}
