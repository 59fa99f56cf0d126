/** Which uploads start a job or go into a feed, and what is sent for each. Values only: nothing here knows Pulumi. */

import { PREFIXES } from "../environments.ts";

/** The uploads that can be scored by themselves. */
export const UPLOAD_KINDS = ["manifest", "tar", "image"] as const;

/** One of them. */
export type UploadKind = (typeof UPLOAD_KINDS)[number];

/** What all jobs of a deployment have in common. */
export interface UploadSettings {
  /** Name of the store in STORES. */
  readonly store: string;
  /** Stated purpose: 1 to 200 letters, digits, spaces and `_.,-`. */
  readonly purpose: string;
  readonly faces: "aligned" | "largest" | "all";
}

/** The ends of keys by kind. A manifest or shard starts a job; images go into a feed, whose runs gather them. */
export const SUFFIXES: Readonly<Record<UploadKind, readonly string[]>> = {
  manifest: [".jsonl", ".jsonl.gz", ".csv", ".csv.gz"],
  tar: [".tar"],
  image: [".jpg", ".jpeg", ".png", ".webp"],
};

/** Values of an event that a template names as `<key>`, by their paths in it. */
export const EVENT_PATHS = {
  key: "$.detail.object.key",
  etag: "$.detail.object.etag",
  version: "$.detail.object.version-id",
} as const;

/** EventBridge matches `*` across slashes. Outputs lie elsewhere, so no job starts another. */
export function describePattern(bucket: string, kind: UploadKind) {
  const key = SUFFIXES[kind].map((suffix) => ({ wildcard: `${PREFIXES.inputs}*${suffix}` }));
  return {
    source: ["aws.s3"],
    "detail-type": ["Object Created"],
    detail: { bucket: { name: [bucket] }, object: { key } },
  };
}

/** The body of `POST /v1/schedules/{id}/inputs` as an input template: one line, the version that was uploaded. */
export function writeInputTemplate(): string {
  return unquote({ key: "<key>", etag: "<etag>", versionId: "<version>" });
}

const unquote = (body: object): string => JSON.stringify(body).replace(/"(<[a-z]+>)"/g, "$1");

/**
 * The body of `POST /v1/jobs` as an input template: `<key>` stands without quotes, since EventBridge writes the value as JSON.
 * The version that was uploaded is the one that is scored.
 * @throws Error when the purpose has other characters: `<` begins a variable
 */
export function writeJobTemplate(
  kind: Exclude<UploadKind, "image">,
  { store, purpose, faces }: UploadSettings,
): string {
  if (!/^[\w .,-]{1,200}$/.test(purpose)) throw new Error("purpose: 1 to 200 letters, digits, spaces and _.,-");
  const input =
    kind === "manifest"
      ? { store, manifest: { key: "<key>", etag: "<etag>" } }
      : { store, objects: [{ key: "<key>", etag: "<etag>", versionId: "<version>" }] };
  const body = {
    name: `upload (${kind})`,
    purpose,
    input,
    format: kind === "tar" ? "tar" : "image",
    faces,
    output: { store, prefix: PREFIXES.outputs },
  };
  return unquote(body);
}
