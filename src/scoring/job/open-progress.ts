/** How far an open job is, and the constants that it goes by. */

/** How far an open job is. */
export interface OpenProgress {
  /** Inputs that came in; one that came again is not counted again. */
  readonly received: number;
  /** How many of them are planned. */
  readonly planned: number;
  /** The end of the batch that is being planned; `planned` where none is. */
  readonly batchEnd: number;
  /** When the first came in of those that wait for a batch; `null`: none waits. */
  readonly waitingSinceMs: number | null;
  /** When its sender said that no more follow; `null`: more may. */
  readonly sealedMs: number | null;
}

/** When a batch is made, and how long the job has after its seal. */
export interface OpenRules {
  readonly gatherInputs: number;
  readonly gatherMs: number;
  readonly sealedLifeMs: number;
}

/** An open job into which nothing has come. */
export const NOTHING_RECEIVED: OpenProgress = {
  received: 0,
  planned: 0,
  batchEnd: 0,
  waitingSinceMs: null,
  sealedMs: null,
};
