/** What the review of one run of a schedule said, as later runs remember it. */

/** How often the model was right in one run, as people saw it. */
export interface ReviewedRun {
  readonly jobId: string;
  /** When the run was due, ms since the epoch. */
  readonly dueMs: number;
  /** Faces that the figure is about, and those of them that readers labeled. */
  readonly faces: number;
  readonly answered: number;
  /** Share of the faces whose label is right, with its 95 % interval, 0…1. */
  readonly accuracy: { readonly value: number; readonly low: number; readonly high: number };
}
