/** Ranges: what is worked on in pieces side by side, each by a chain of steps of its own. The coordinator keeps a row for each that has begun. */

import type { JobTask } from "./job-task.ts";

/** What is done range by range: the listing of the input, the merging of a data set. */
export type RangePhase = "scan" | "merge";

/** One range of a phase, as its row. */
export interface RangeRow {
  /** 0-based, in input order. */
  readonly number: number;
  /** Its steps, leased like those of planning. */
  readonly task: JobTask;
  /** Key of what the last step left for the next; `null` at first. */
  readonly checkpoint: string | null;
}
