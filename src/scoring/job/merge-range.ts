/** The parts of a data set: the inputs of a job are cut into ranges of equal length, and each is merged by a chain of steps of its own. */

/** How far merging has come; ranges begin in order and end in any. */
export interface MergeProgress {
  /** Inputs of each range but the last, ≥ 1. */
  readonly inputs: number;
  /** Where the last range ends: the inputs of the job when it was merged. */
  readonly end: number;
  /** Ranges in all, ≥ 1. */
  readonly total: number;
  readonly begun: number;
  readonly done: number;
  /** Ranges that were written anew when records were erased, and by which generation; absent: none. */
  readonly rewritten?: Readonly<Record<number, number>>;
}

/** The inputs of a range, by index: from `first` up to `end`, without it. */
export interface InputSpan {
  readonly first: number;
  readonly end: number;
}

/**
 * Cuts a job into ranges of about `partRows` records, at least one, so that a data set without a record still has columns to read.
 * Follows from totals alone, so it is the same however chunks were split.
 */
export function cutRanges(inputs: number, records: number, partRows: number): MergeProgress {
  const each = Math.max(1, Math.floor((partRows * inputs) / Math.max(1, records)));
  return { inputs: each, end: inputs, total: Math.max(1, Math.ceil(inputs / each)), begun: 0, done: 0 };
}

/** The inputs of range `number`. */
export function findSpan({ inputs, end }: Pick<MergeProgress, "inputs" | "end">, number: number): InputSpan {
  const first = number * inputs;
  return { first, end: Math.min(end, first + inputs) };
}
