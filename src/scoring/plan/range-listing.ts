/** What the steps of a range have listed of it, as an object between them and for the planning step that takes it. */

import type { Issue } from "../../errors.ts";
import { NO_OPERATIONS, type StoreOperations } from "../../storage/metered-store.ts";
import type { ChunkRow } from "../job/chunk-row.ts";
import { formatPlanCursor, parsePlanCursor } from "./plan-cursor.ts";
import { makeChunk } from "./plan-chunks.ts";

/** A range so far. Indices and lines count from the range's own beginning. */
export interface RangeListing {
  /** Where it goes on; `null` at its end. */
  readonly cursor: string | null;
  readonly items: number;
  readonly bytes: number;
  readonly reads: number;
  readonly operations: StoreOperations;
  /** Keys of its frozen pages, in order. */
  readonly pages: readonly string[];
  /** Page, first input, inputs, and byte range of each chunk. */
  readonly chunks: readonly (readonly [page: number, first: number, count: number, offset: number, length: number])[];
  readonly issues: readonly Issue[];
  /** Folders of a partitioned data set that its inputs will have; absent: none. */
  readonly partitions?: readonly string[];
  /** See InputPage; absent where there are no lines. */
  readonly endLine?: number;
}

/** Before the first step. */
export function openListing(cursor: string): RangeListing {
  return { cursor, items: 0, bytes: 0, reads: 0, operations: NO_OPERATIONS, pages: [], chunks: [], issues: [] };
}

/** The chunks as rows of a job that has `base` inputs before them. */
export function placeChunks({ pages, chunks }: RangeListing, base: number): readonly ChunkRow[] {
  return chunks.map(([page, first, count, offset, length]) => {
    const row = makeChunk(base + first, count, pages[page]!, offset, length);
    return base === 0 ? row : { ...row, base };
  });
}

/** The planning cursor of what a range left, in a job that has `base` inputs before it. */
export function placeRest({ cursor }: RangeListing, base: number): string | null {
  if (cursor === null) return null;
  const position = parsePlanCursor(cursor);
  return formatPlanCursor({ ...position, nextIndex: base + position.nextIndex });
}

/** Where the planning of ranges stands, as a cursor. */
export interface ScanCursor {
  /** Of the range taken last, what is planned page by page; `null`: nothing. */
  readonly rest: string | null;
  /** Number of the line behind the ranges taken so far; `null`: none has lines. */
  readonly endLine: number | null;
  /** Added to the numbers of lines in `rest`. */
  readonly lines: number;
}

const MARK = "scan:";

/** The cursor string of a {@link ScanCursor}. */
export function formatScanCursor(cursor: ScanCursor): string {
  return MARK + JSON.stringify(cursor);
}

/** The cursor of a string; before the first range is taken there is nothing in it. */
export function parseScanCursor(text: string | null): ScanCursor {
  if (text === null || !text.startsWith(MARK)) return { rest: null, endLine: null, lines: 0 };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the function above writes
  return JSON.parse(text.slice(MARK.length)) as ScanCursor;
}

/** Findings with the lines of the whole list. */
export function placeIssues(issues: readonly Issue[], lines: number): readonly Issue[] {
  return issues.map((issue) => (issue.line === undefined ? issue : { ...issue, line: issue.line + lines }));
}
