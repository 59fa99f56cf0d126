/** From where on something about a run of a schedule is told: sensible by itself, and changed by whoever knows better. */

/** `alerts` of a schedule; shares are 0…1. */
export interface AlertMarks {
  /** False: nothing is looked for and nothing is sent. */
  readonly enabled: boolean;
  /** Where alerts are sent; `null`: where the manifest's `notify` sends. */
  readonly url: string | null;
  /** Share of the pictures that were read without a found face. */
  readonly noFace: number;
  /** Share of the inputs that failed or were skipped. */
  readonly failed: number;
  /** Effect size of a shift of the label shares, Cramér's V; the test must say p < 0.01 as well. */
  readonly labelShift: number;
  /** Population stability index of brightness, contrast, size and the model's confidence; the test must say p < 0.01 as well. */
  readonly quality: number;
  /** Accuracy by review below which something is told; `null`: only a drop is. */
  readonly accuracy: number | null;
  /** Drop of the accuracy by review against the reviews before. */
  readonly accuracyDrop: number;
  /** What one run may cost, dollars; `null`: anything that is usual. */
  readonly dollars: number | null;
  /** How many times the usual a run may cost; below a dollar nothing is told. */
  readonly costTimes: number;
}

/** What holds where nobody said anything. */
export const DEFAULT_ALERT_MARKS: AlertMarks = {
  enabled: true,
  url: null,
  noFace: 0.1,
  failed: 0.02,
  labelShift: 0.1,
  quality: 0.1,
  accuracy: null,
  accuracyDrop: 0.05,
  dollars: null,
  costTimes: 2,
};
