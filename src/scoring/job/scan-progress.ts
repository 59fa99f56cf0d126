/**
 * Listing a large input side by side: it is cut into ranges, each listed by a chain of steps of its own. What they find becomes chunks
 * range by range, in input order, by the planning steps: so the index of an input does not depend on which range was faster.
 */

/** How far the listing has come. Ranges begin in order and end in any. */
export interface ScanProgress {
  /** Object with where each range begins and ends. */
  readonly key: string;
  /** At least 2. */
  readonly total: number;
  readonly begun: number;
  /** Ranges that are listed, from the first one on without a gap. */
  readonly ready: number;
  /** Listed ranges above those, ascending. */
  readonly ahead: readonly number[];
  /** Ranges whose inputs are chunks. */
  readonly taken: number;
  /** The range taken last goes on beyond what was listed of it: planning lists the rest page by page before it takes the next. */
  readonly rest: boolean;
}

/** What a planning step did to the ranges: it cut the input into them, or took the next ones. */
export type ScanReport =
  | { readonly kind: "begun"; readonly key: string; readonly total: number }
  | { readonly kind: "taken"; readonly count: number; readonly rest: boolean };
