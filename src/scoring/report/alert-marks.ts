/** From where on something about a run of a schedule is told: sensible by itself, and changed by whoever knows better. */

import { z } from "zod";

const share = z.number().min(0).max(1);

/** `alerts` of a schedule; every mark has a default. */
export const alertMarksSchema = z.strictObject({
  /** False: nothing is looked for and nothing is sent. */
  enabled: z.boolean().default(true),
  /** Where alerts are sent; `null`: where the manifest's `notify` sends. */
  url: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .nullable()
    .default(null),
  /** Share of the pictures that were read without a found face. */
  noFace: share.default(0.1),
  /** Share of the inputs that failed or were skipped. */
  failed: share.default(0.02),
  /** Effect size of a shift of the label shares, Cramér's V; the test must say p < 0.01 as well. */
  labelShift: share.default(0.1),
  /** Population stability index of brightness, contrast, size and the model's confidence; the test must say p < 0.01 as well. */
  quality: z.number().positive().max(10).default(0.1),
  /** Accuracy by review below which something is told; `null`: only a drop is. */
  accuracy: share.nullable().default(null),
  /** Drop of the accuracy by review against the reviews before. */
  accuracyDrop: share.default(0.05),
  /** What one run may cost, dollars; `null`: anything that is usual. */
  dollars: z.number().positive().nullable().default(null),
  /** How many times the usual a run may cost; below a dollar nothing is told. */
  costTimes: z.number().min(1).max(1000).default(2),
});

/** See {@link alertMarksSchema}. */
export type AlertMarks = z.output<typeof alertMarksSchema>;

/** What holds where nobody said anything. */
export const DEFAULT_ALERT_MARKS: AlertMarks = alertMarksSchema.parse({});
