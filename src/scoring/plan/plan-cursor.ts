/** The state of planning between two pages: a small string that a queue message can carry. */

import { ScoringError } from "../../errors.ts";
import type { InputEntry } from "./input-page.ts";

/** Where the entries continue. */
export type SourcePosition =
  /** After this key, null at the start; up to and with `until`, absent: to the end. */
  | { readonly kind: "prefix"; readonly after: string | null; readonly until?: string }
  /** At this index of `objects`, up to `until` without it. */
  | { readonly kind: "objects"; readonly at: number; readonly until?: number }
  | ManifestPosition
  | ParquetPosition
  | InventoryPosition;

/** In a manifest object; `etag` is null before the first page has looked at it. */
export interface ManifestPosition {
  readonly kind: "manifest";
  readonly etag: string | null;
  readonly size: number;
  /** null until a line that is not blank has been seen. */
  readonly syntax: "jsonl" | "csv" | null;
  readonly gzip: boolean;
  /** Offset after gunzip, bytes. */
  readonly offset: number;
  /** Lines that begin here or later are not read; absent: all are. */
  readonly until?: number;
  /** 1-based number of the line at `offset`; 0 before the manifest is opened. */
  readonly line: number;
  /** True within a line that is too long and has been reported. */
  readonly skipping: boolean;
  /** Column names of a CSV with a header row; null without one, or before the first line. */
  readonly columns: readonly string[] | null;
  /** The bucket named by the first row that names one; null before that row, undefined in cursors of older versions. */
  readonly bucket?: string | null;
}

/** Before a manifest object is opened. */
export const START_OF_MANIFEST: ManifestPosition = {
  kind: "manifest",
  etag: null,
  size: 0,
  syntax: null,
  gzip: false,
  offset: 0,
  line: 0,
  skipping: false,
  columns: null,
  bucket: null,
};

/** In a Parquet file; `etag` is null before the first page has looked at it. */
export interface ParquetPosition {
  readonly kind: "parquet";
  readonly etag: string | null;
  readonly size: number;
  /** 0-based row. */
  readonly row: number;
  /** The first row that is not read; absent: all are. */
  readonly until?: number;
}

/** Before a Parquet file is opened. */
export const START_OF_PARQUET: ParquetPosition = { kind: "parquet", etag: null, size: 0, row: 0 };

/** In the data files of an inventory; `etag` is its `manifest.json`'s, null before the first page. */
export interface InventoryPosition {
  readonly kind: "inventory";
  readonly etag: string | null;
  /** 0-based number of the data file. */
  readonly file: number;
  /** Number of the first data file that is not read; absent: all are. */
  readonly until?: number;
  /** Where in it; null at its start. */
  readonly at: ManifestPosition | ParquetPosition | null;
}

/** Where a container continues; `entry.etag` and `entry.size` are those it had at its first page. */
export interface ContainerPosition {
  readonly entry: InputEntry & { readonly etag: string; readonly size: number };
  /** Byte of the next header (tar: of the first header of the next sample) or line. */
  readonly offset: number;
  /** Tar: images of that sample already given out. FER2013: 1-based number of the line. */
  readonly count: number;
  /** True within a line that is too long and has been reported. */
  readonly skipping: boolean;
  /** Parquet: `offset` is that of a page's header, 0 at the beginning of a row group, `count` the next row; this is the page's first row. */
  readonly pageRow?: number;
  /** FER2013: column indices from the header; null before the header is read. */
  readonly columns: { readonly emotion: number; readonly pixels: number; readonly usage: number } | null;
}

/** All of it. `container` is set while an object of several items is being read. */
export interface PlanPosition {
  readonly nextIndex: number;
  /** `null` when all entries are read. */
  readonly source: SourcePosition | null;
  readonly container: ContainerPosition | null;
}

const VERSION = "1:";

/** The cursor string of a position; `null` when nothing is left. */
export function formatPlanCursor(position: PlanPosition): string | null {
  if (position.source === null && position.container === null) return null;
  return VERSION + JSON.stringify(position);
}

/** The cursor at the beginning of what came into an open job; its first input gets this index. */
export function startBatch(nextIndex: number): string {
  return (
    VERSION + JSON.stringify({ nextIndex, source: { kind: "objects", at: 0 }, container: null } satisfies PlanPosition)
  );
}

/** The position of a cursor that {@link formatPlanCursor} made. The cursor is the job's own state, so a foreign one is `manifest_lost`. */
export function parsePlanCursor(cursor: string): PlanPosition {
  try {
    if (cursor.startsWith(VERSION)) {
      const value: unknown = JSON.parse(cursor.slice(VERSION.length));
      if (isPosition(value)) return value;
    }
  } catch {
    // Reported by the error below.
  }
  throw new ScoringError("manifest_lost", "the planning cursor was not made by this version");
}

function isPosition(value: unknown): value is PlanPosition {
  if (typeof value !== "object" || value === null) return false;
  return "nextIndex" in value && Number.isSafeInteger(value.nextIndex) && "source" in value && "container" in value;
}
