/** The labels of a model, in the order of its outputs: what a card's `labels` may be. */

import { z } from "zod";
import { nameProbabilityColumn } from "./label-column.ts";

/** Most labels of one model: a confusion matrix of them stays below 4,096 cells. */
export const MAX_LABELS = 64;

/** Letters and digits, inside also spaces and `_ + & ( ) . / ' -`; at least one character that is no digit. */
const NAME = /^(?!\d+$)[\p{L}\p{N}](?:[\p{L}\p{N} _+&()./'-]{0,58}[\p{L}\p{N})+])?$/u;

/** One label. No digits alone: JavaScript would put such names of an object before all others. */
export const labelNameSchema = z
  .string()
  .refine((name) => name !== "cannot say" && name !== "undone", "is what a reader says who gives no label")
  // A refinement, since an OpenAPI pattern has no flag for \p.
  .refine(
    (name) => NAME.test(name),
    "must be a name of 1 to 60 letters, digits and _ + & ( ) . / ' -, not of digits alone",
  );

/** Labels of one model: at least two, and no two of one column. */
export const labelSetSchema = z
  .array(labelNameSchema)
  .min(2)
  .max(MAX_LABELS)
  .superRefine((labels, context) => {
    const columns = labels.map(nameProbabilityColumn);
    for (const [at, column] of columns.entries()) {
      const first = columns.indexOf(column);
      if (first < at) {
        const message = `is the same as ${labels[first]}, upper case and spaces aside`;
        context.addIssue({ code: "custom", path: [at], message });
      }
    }
  });
