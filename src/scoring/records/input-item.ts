/** Inputs read back from where others may have written: outputs of a job lie where its key may upload, claims go through clients. */

import { z } from "zod";
import { LABELS } from "../../model/labels.ts";
import type { InputItem } from "./records.ts";

/** The form of an {@link InputItem}, and no more than that. */
export const inputItemSchema: z.ZodType<InputItem> = z.strictObject({
  index: z.int().nonnegative(),
  id: z.string(),
  key: z.string(),
  size: z.number().nullable(),
  etag: z.string().nullable(),
  versionId: z.string().exactOptional(),
  range: z.strictObject({ offset: z.int(), length: z.int() }).exactOptional(),
  label: z.enum(LABELS).exactOptional(),
  groups: z.record(z.string(), z.string()).exactOptional(),
});
