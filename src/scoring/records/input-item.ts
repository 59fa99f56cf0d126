/** Inputs read back from places where others may write: a job's outputs lie where its key may upload, claims travel through clients. */

import { z } from "zod";
import type { Label } from "../../model/labels.ts";

/** The form of an {@link InputItem}; its values are not checked. */
export const inputItemSchema: z.ZodType<InputItem> = z.strictObject({
  index: z.int().nonnegative(),
  id: z.string(),
  key: z.string(),
  size: z.number().nullable(),
  etag: z.string().nullable(),
  versionId: z.string().exactOptional(),
  range: z.strictObject({ offset: z.int(), length: z.int() }).exactOptional(),
  label: z.string().min(1).max(60).exactOptional(),
  groups: z.record(z.string(), z.string()).exactOptional(),
});

/** One line of the frozen manifest (`input.jsonl`) and of `errors.jsonl`: an input as the job saw it. */
export interface InputItem {
  /** 0-based position in the job's input order. */
  readonly index: number;
  readonly id: string;
  readonly key: string;
  /** Bytes; `null` until it is read. */
  readonly size: number | null;
  readonly etag: string | null;
  readonly versionId?: string;
  /** A byte range inside `key` (tar member, CSV row). */
  readonly range?: { readonly offset: number; readonly length: number };
  readonly label?: Label;
  readonly groups?: Readonly<Record<string, string>>;
  /** Position of the same object in the previous run; only in pages of a schedule's job, not in `input.jsonl`. */
  readonly prior?: number;
}
