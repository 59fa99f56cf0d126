/** What a job reads: three ways to name objects, three formats of what they hold. */

import type { Issue } from "../../errors.ts";
import type { Label } from "../../model/labels.ts";
import type { InputItem } from "../records/records.ts";

/** What one object holds: a picture, a WebDataset shard of pictures, or FER2013 rows of 48×48 grey pixels. */
export type InputFormat = "image" | "tar" | "fer2013-csv";

/** One object that a caller names. `label` is the true label: a name or its index 0–6. */
export interface ObjectEntry {
  readonly key: string;
  readonly id?: string;
  readonly etag?: string;
  readonly versionId?: string;
  readonly label?: string | number;
  readonly groups?: Readonly<Record<string, string>>;
}

/** The input of a job, resolved to one store. */
export type InputSpec =
  | { readonly kind: "prefix"; readonly format: InputFormat; readonly prefix: string }
  | { readonly kind: "objects"; readonly format: InputFormat; readonly objects: readonly ObjectEntry[] }
  | {
      readonly kind: "manifest";
      readonly format: InputFormat;
      /** JSONL or CSV, optionally gzip. */
      readonly key: string;
      /** Read only this version of the manifest. */
      readonly etag?: string;
      /** Where given, rows whose `Bucket` column names another bucket are issues. */
      readonly bucket?: string;
    };

/** Bounds of one planned page. See `LIMITS.plan` for the numbers and what each stops. */
export interface PlanLimits {
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
  /** Blank lines of a manifest that one page passes over; more are an issue, and end the reading. */
  readonly maxBlankLines: number;
  /** Bytes of a manifest after gunzip. */
  readonly maxInflatedBytes: number;
  /** Bytes after gunzip for each byte before. */
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
  /** Indices go on from the page before, without gaps. */
  readonly items: readonly InputItem[];
  /** For the next page; `null` after the last. A page may be empty and still have one. */
  readonly cursor: string | null;
  readonly issues: readonly Issue[];
  /** Issues above `maxIssues`, not listed. */
  readonly droppedIssues: number;
}

/** An object of the input before its format is looked at; labels and groups are checked. */
export interface InputEntry {
  readonly key: string;
  readonly id: string;
  readonly size: number | null;
  readonly etag: string | null;
  readonly versionId?: string;
  readonly range?: { readonly offset: number; readonly length: number };
  readonly label?: Label;
  readonly groups?: Readonly<Record<string, string>>;
}
