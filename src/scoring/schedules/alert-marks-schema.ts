/** `alerts` of a schedule, checked. Apart from the marks themselves, so that a page that only reads reports needs no schemas. */

import { z } from "zod";
import { type AlertMarks, DEFAULT_ALERT_MARKS } from "../report/alert-marks.ts";

const share = z.number().min(0).max(1);
const marks = DEFAULT_ALERT_MARKS;

/** Every mark has a default. */
export const alertMarksSchema = z.strictObject({
  enabled: z.boolean().default(marks.enabled),
  url: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .nullable()
    .default(marks.url),
  noFace: share.default(marks.noFace),
  failed: share.default(marks.failed),
  labelShift: share.default(marks.labelShift),
  quality: z.number().positive().max(10).default(marks.quality),
  accuracy: share.nullable().default(marks.accuracy),
  accuracyDrop: share.default(marks.accuracyDrop),
  dollars: z.number().positive().nullable().default(marks.dollars),
  costTimes: z.number().min(1).max(1000).default(marks.costTimes),
}) satisfies z.ZodType<AlertMarks>;
