/** Shapes of a review's answers in the OpenAPI document. */

import { z } from "@hono/zod-openapi";

const count = z.int().nonnegative();
const share = z.number().min(0).max(1);
const interval = z.object({ value: share, low: share, high: share });
const label = z.string();
const kind = z.enum(["recall", "false label"]);
const difference = z.object({ value: z.number(), low: z.number(), high: z.number() });
const agreement = z.object({ value: z.number(), low: z.number(), high: z.number(), units: count });

/** A sample before or after it is drawn. */
export const reviewPlanSchema = z
  .object({ size: count, halfWidth: share, population: count, strata: count })
  .openapi("ReviewPlan");

const reviewedFaces = z.object({
  faces: count,
  answered: count,
  labels: z.array(
    z.object({
      label,
      model: share,
      corrected: interval.nullable(),
      review: interval,
      powered: interval,
      lambda: share,
      precision: interval.nullable(),
      recall: interval.nullable(),
    }),
  ),
  accuracy: interval,
  meanConfidence: share,
});

/** A review with its figures. */
export const reviewViewSchema = z
  .object({
    createdAt: z.iso.datetime(),
    seed: count,
    by: z.string().nullable(),
    newOnly: z.boolean(),
    readers: z.array(z.string()),
    figures: z.object({
      drawn: count,
      seen: count,
      answered: count,
      missing: count,
      readers: z.array(z.object({ reader: z.string(), answered: count, cannotSay: count })),
      cannotSay: interval.nullable(),
      total: reviewedFaces.nullable(),
      groups: z.array(z.object({ value: z.string().nullable(), figures: reviewedFaces })),
      agreement: z.object({ alpha: agreement.nullable(), kappa: agreement.nullable() }).nullable(),
      fit: z
        .object({
          temperature: z.number(),
          calibrationError: z.object({ before: share, after: share }),
          precisionAim: share,
          thresholds: z.array(
            z.object({ label, threshold: share.nullable(), precision: share.nullable(), kept: share }),
          ),
        })
        .nullable(),
      fairness: z
        .object({
          key: z.string(),
          groups: z.array(z.string()),
          rates: z.array(z.object({ group: z.string(), label, kind, rate: interval })),
          gaps: z.array(
            z.object({ label, kind, highest: z.string(), lowest: z.string(), gap: difference, settled: z.boolean() }),
          ),
          comparisons: count,
          meaning: z.string(),
        })
        .nullable(),
    }),
  })
  .openapi("Review");
