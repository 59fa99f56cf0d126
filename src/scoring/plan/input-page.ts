/** What a job reads: three ways to name objects, three formats of what they hold. */

import type { Issue } from "../../errors.ts";
import type { Label } from "../../model/labels.ts";
import type { InputItem, PagePlace } from "../records/input-item.ts";

/** Bounds of one planned page. See `LIMITS.plan` for the numbers and what each stops. */
export interface PlanLimits {
  /** Labels that inputs may be known to have: the model's; default FER2013's. */
  readonly labels?: readonly string[];
  /** Items of one page. */
  readonly maxItems: number;
  /** Issues of one page; further ones are only counted. */
  readonly maxIssues: number;
  /** Calls to the store for one page, at least 4; a page that meets it ends early, perhaps empty, with a cursor. */
  readonly maxReads: number;
  /** Bytes of one ranged read; of line-oriented objects at least one whole line. */
  readonly windowBytes: number;
  /** Bytes of one line of a manifest or a FER2013 file. */
  readonly maxLineBytes: number;
  /** Bytes of blank lines that one page of a manifest passes over; more are an issue, and end the reading. */
  readonly maxBlankBytes: number;
  /** Bytes of a manifest after gunzip. */
  readonly maxInflatedBytes: number;
  /** Bytes of a Parquet list that are held at once: of a row group in the columns that are read, or of its metadata. */
  readonly maxParquetBytes: number;
  /** Bytes of a page of pictures in a Parquet file, inflated: it is held while they are scored. */
  readonly maxPicturePageBytes: number;
  /** Bytes after gunzip per byte before. */
  readonly maxInflateRatio: number;
  /** Group names of one item. */
  readonly maxGroups: number;
  /** Members of one WebDataset sample (same basename): held together until the sample ends. */
  readonly maxSampleMembers: number;
  /** Bytes of a `.cls` or `.json` member, and of a pax or long-name header. */
  readonly maxLabelBytes: number;
}

/** One page of the frozen input. */
export interface InputPage {
  /** Indices continue from the previous page, without gaps. */
  readonly items: readonly InputItem[];
  /** For the next page; `null` after the last. A page may be empty and still have one. */
  readonly cursor: string | null;
  readonly issues: readonly Issue[];
  /** Issues above `maxIssues`, not listed. */
  readonly droppedIssues: number;
  /** Of a list: the number of the line behind those that were read; of a range of one, counted from its first as 2. */
  readonly endLine?: number;
}

/** An object of the input before its format is looked at; labels and groups are checked. */
export interface InputEntry {
  readonly key: string;
  readonly id: string;
  readonly size: number | null;
  readonly etag: string | null;
  readonly versionId?: string;
  readonly range?: { readonly offset: number; readonly length: number };
  readonly page?: PagePlace;
  readonly label?: Label;
  readonly groups?: Readonly<Record<string, string>>;
}
