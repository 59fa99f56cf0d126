/** Inputs read back from places where others may write: a job's outputs lie where its key may upload, claims travel through clients. */

import { z } from "zod";
import type { Label } from "../../model/labels.ts";

/** How a page with pictures may be compressed. */
export const PAGE_CODECS = ["none", "snappy"] as const;

/** Where an input lies in a page of a Parquet file. */
export interface PagePlace {
  /** 0-based, of the file. */
  readonly row: number;
  readonly codec: (typeof PAGE_CODECS)[number];
  /** Of the page once it is inflated. */
  readonly bytes: number;
  /** Of the input in those. */
  readonly offset: number;
  readonly length: number;
}

/** The form of one; its values are not checked against a file. */
export const pagePlaceSchema = z.strictObject({
  row: z.int().nonnegative(),
  codec: z.enum(PAGE_CODECS),
  bytes: z.int().nonnegative(),
  offset: z.int().nonnegative(),
  length: z.int().nonnegative(),
});

/** The form of an {@link InputItem}; its values are not checked. */
export const inputItemSchema: z.ZodType<InputItem> = z.strictObject({
  index: z.int().nonnegative(),
  id: z.string(),
  key: z.string(),
  size: z.number().nullable(),
  etag: z.string().nullable(),
  versionId: z.string().exactOptional(),
  range: z.strictObject({ offset: z.int(), length: z.int() }).exactOptional(),
  page: pagePlaceSchema.exactOptional(),
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
  /** Of a Parquet file: `range` is that of a page. */
  readonly page?: PagePlace;
  readonly label?: Label;
  readonly groups?: Readonly<Record<string, string>>;
  /** Position of the same object in the previous run; only in pages of a schedule's job, not in `input.jsonl`. */
  readonly prior?: number;
}
