/** The manifest of a job: from untrusted JSON to a checked value with every default filled in, or to all findings together. */

import { ABSTENTION_PRECISIONS } from "../../model/abstention.ts";
import { FACE_MODES } from "../records/face-mode.ts";
import { DEFAULT_MIN_FACE_PIXELS, DEFAULT_MIN_FACE_SCORE, FACE_DETAILS } from "../../model/face-levels.ts";
import { z } from "zod";
import { type Issue, ScoringError } from "../../errors.ts";
import { MAX_LABELS } from "../../model/label-set.ts";
import { LABEL_FORMATS, normalizePrefix } from "../keys.ts";
import { LIMITS } from "../limits.ts";
import { INPUT_FORMATS } from "./input-formats.ts";
import { suggest } from "./did-you-mean.ts";
import { listFields } from "./known-fields.ts";
import { checkPartitions } from "./partition-by.ts";
import { budgetSchema, MAX_PRIORITY } from "../access/access.ts";

const storeName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "a store's name: a-z, 0-9 and -");
const objectKey = z
  .string()
  .min(1)
  .refine((key) => new TextEncoder().encode(key).length <= LIMITS.maxKeyBytes, `at most ${LIMITS.maxKeyBytes} bytes`);
const text = (max: number) => z.string().max(max);
const groupName = z.string().min(1).max(64);

const objectEntry = z.strictObject({
  key: objectKey,
  id: z.string().min(1).max(LIMITS.maxKeyBytes).optional(),
  etag: z.string().min(1).max(256).optional(),
  versionId: z.string().min(1).max(1024).optional(),
  /** By name or place, in the model's order. */
  label: z
    .union([
      text(60).min(1),
      z
        .int()
        .min(0)
        .max(MAX_LABELS - 1),
    ])
    .optional(),
  groups: z.record(groupName, text(LIMITS.maxGroupValueLength)).optional(),
});

const input = z
  .strictObject({
    store: storeName,
    prefix: text(LIMITS.maxKeyBytes).optional(),
    objects: z.array(objectEntry).min(1).max(LIMITS.maxInlineObjects).optional(),
    // The list may lie in another store than what it lists: a job's errors.jsonl lies among its outputs.
    manifest: z
      .strictObject({ store: storeName.optional(), key: objectKey, etag: z.string().min(1).max(256).optional() })
      .optional(),
    /** The inputs come in later; with a prefix, they lie below it. See docs/open-jobs.md. */
    open: z.literal(true).optional(),
  })
  .refine(
    ({ prefix, objects, manifest, open }) =>
      [open ?? prefix, objects, manifest].filter((one) => one !== undefined).length === 1,
    "exactly one of prefix, objects, manifest and open; open may have a prefix",
  );

/** A tag of jobs, as manifests and addresses hold it. */
export const tag = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "1 to 64 of a-z, 0-9, ., _ and -, first a letter or digit");
const isUnique = (texts: readonly string[]): boolean => new Set(texts).size === texts.length;

const outputPrefix = text(512)
  .refine((prefix) => !prefix.split("/").includes(".."), "without ..")
  .transform(normalizePrefix);

/** The model of a manifest that names none. */
export const DEFAULT_MODEL = "deep-emotion";

/** The schema of `POST /v1/jobs`; also the source of its OpenAPI document. */
export const manifestSchema = z.strictObject({
  name: text(200).optional(),
  purpose: text(200).optional(),
  /** Words that the list of jobs can be filtered by; records and report do not have them. */
  tags: z.array(tag).max(LIMITS.maxTags).refine(isUnique, "each tag once").optional(),
  priority: z.int().min(-MAX_PRIORITY).max(MAX_PRIORITY).default(0),
  input,
  format: z.enum(INPUT_FORMATS).default("image"),
  faces: z.enum(FACE_MODES).default("auto"),
  minFacePixels: z.int().min(1).max(4096).default(DEFAULT_MIN_FACE_PIXELS),
  minFaceScore: z.number().min(0).max(1).default(DEFAULT_MIN_FACE_SCORE),
  faceDetail: z.enum(FACE_DETAILS).default("normal"),
  tta: z.enum(["none", "flip"]).default("none"),
  /** Labels that would be right less often than this share are not given; see docs/model.md. */
  abstain: z.strictObject({ precision: z.union(ABSTENTION_PRECISIONS.map((one) => z.literal(one))) }).optional(),
  /** Version of the preprocessing; the model card's by default. See docs/model.md. */
  pipeline: z.union([z.literal(1), z.literal(2), z.literal(3)]).optional(),
  model: z.string().min(1).max(128).default(DEFAULT_MODEL),
  output: z.strictObject({
    store: storeName,
    prefix: outputPrefix.default("out/"),
    formats: z.array(z.enum(LABEL_FORMATS)).min(1).max(LABEL_FORMATS.length).default(["jsonl", "csv"]),
    /** `dataset`: parts of about two million records, made side by side; see docs/datasets.md. */
    layout: z.enum(["single", "dataset"]).default("single"),
    /** Groups that a data set has folders of: `labels/site=north/…`. */
    partitionBy: z
      .union([groupName, z.array(groupName).min(1).max(LIMITS.maxGroupBy).refine(isUnique, "each group once")])
      .transform((names): readonly string[] => (typeof names === "string" ? [names] : names))
      .optional(),
    /** Whether records hold the model's embedding of each face; for models whose card names one. */
    embedding: z.boolean().optional(),
    retentionDays: z.int().min(1).max(LIMITS.maxRetentionDays).optional(),
  }),
  groupBy: z.array(groupName).max(LIMITS.maxGroupBy).default([]),
  minGroupSize: z.int().min(1).max(1_000_000).default(10),
  limits: z
    .strictObject({
      chunkSize: z.int().min(1).max(LIMITS.maxChunkSize).default(LIMITS.defaultChunkSize),
      maxConcurrency: z.int().min(1).max(LIMITS.maxConcurrency).default(LIMITS.defaultMaxConcurrency),
      errorThreshold: z.number().min(0).max(1).default(LIMITS.defaultErrorThreshold),
      errorMinimumSample: z.int().min(1).default(LIMITS.errorMinimumSample),
      /** Of an open job, counted from its seal on. */
      expiresInSeconds: z.int().min(60).max(LIMITS.maxExpiresSeconds).default(LIMITS.defaultExpiresSeconds),
      /** How long an open job waits for its seal, then it expires; absent: as long as any may. */
      openSeconds: z.int().min(60).max(LIMITS.open.maxSeconds).optional(),
    })
    .prefault({}),
  /** Dollars at the prices of job-cost.ts; before they are used up, the job pauses. */
  budget: budgetSchema.optional(),
  execution: z.enum(["edge", "client", "auto"]).default("edge"),
  notify: z.strictObject({ url: z.url({ protocol: /^https?$/ }).max(2048) }).optional(),
  /** Whether `report.html` shows up to six small pictures of faces for each label; never by itself. */
  thumbnails: z.boolean().optional(),
  dryRun: z.boolean().default(false),
});

/** A checked manifest. */
export type Manifest = z.output<typeof manifestSchema>;

/** What validation needs to know about a configured store. */
export interface StoreFacts {
  readonly versions: boolean;
}

/**
 * Checks a manifest.
 * @param stores facts by store name
 * @param knowsModel whether a model reference can be resolved; a text names those that can
 * @throws ScoringError `validation_failed` with every finding: JSON path, code, message
 */
export function parseManifest(
  value: unknown,
  stores: ReadonlyMap<string, StoreFacts>,
  knowsModel: (reference: string) => boolean | string,
): Manifest {
  const parsed = manifestSchema.safeParse(value, { reportInput: false });
  if (!parsed.success) throw refuse(parsed.error.issues.map(nameField));
  const manifest = parsed.data;
  const issues: Issue[] = [];
  const add = (path: string, code: string, message: string): void => void issues.push({ path, code, message });
  for (const path of ["input", "output"] as const) {
    const { store } = manifest[path];
    if (!stores.has(store)) add(`${path}.store`, "unknown_store", `no store is named ${JSON.stringify(store)}`);
  }
  const listStore = manifest.input.manifest?.store;
  if (listStore !== undefined && !stores.has(listStore)) {
    add("input.manifest.store", "unknown_store", `no store is named ${JSON.stringify(listStore)}`);
  }
  const known = knowsModel(manifest.model);
  if (known === false) add("model", "unknown_model", `no model ${JSON.stringify(manifest.model)}`);
  if (typeof known === "string") add("model", "unknown_model", known);
  if (stores.get(manifest.input.store)?.versions === false) {
    for (const [index, object] of (manifest.input.objects ?? []).entries()) {
      if (object.versionId === undefined) continue;
      const message = `the store ${manifest.input.store} has no object versions`;
      add(`input.objects[${index}].versionId`, "version_unsupported", message);
    }
  }
  const ids = new Set<string>();
  for (const [index, object] of (manifest.input.objects ?? []).entries()) {
    const id = object.id ?? object.key;
    if (ids.has(id)) add(`input.objects[${index}].id`, "duplicate_id", "another object of this manifest has this id");
    ids.add(id);
  }
  const source = manifest.input.prefix;
  const { store, prefix } = manifest.output;
  if (source !== undefined && store === manifest.input.store && prefix.startsWith(source)) {
    add("output.prefix", "output_inside_input", "the outputs would lie inside the input's prefix");
  }
  if (manifest.limits.openSeconds !== undefined && manifest.input.open === undefined) {
    add("limits.openSeconds", "not_open", "only an open job (input.open) waits for inputs");
  }
  if (manifest.dryRun && manifest.input.open !== undefined) {
    add("dryRun", "not_supported", "an open job has no inputs yet, so there is nothing to plan");
  }
  if (manifest.format === "fer2013-csv" && manifest.faces !== "aligned" && manifest.faces !== "auto") {
    add("faces", "aligned_only", "FER2013 rows are face crops: use auto or aligned");
  }
  issues.push(...checkPartitions(manifest));
  if (issues.length > 0) throw refuse(issues);
  return manifest;
}

function refuse(issues: readonly Issue[]): ScoringError {
  const count = issues.length === 1 ? "1 finding" : `${issues.length} findings`;
  return new ScoringError("validation_failed", `the manifest has ${count}`, {
    issues: issues.slice(0, LIMITS.maxIssues),
  });
}

/** A finding of zod in the project's own form; the offending value is never repeated. */
export function toIssue(issue: z.core.$ZodIssue): Issue {
  const keys = issue.code === "unrecognized_keys" ? issue.keys : [];
  return { path: formatPath([...issue.path, ...keys.slice(0, 1)]), code: issue.code, message: issue.message };
}

/** The finding with the field that was probably meant. */
function nameField(issue: z.core.$ZodIssue): Issue {
  const told = toIssue(issue);
  if (issue.code !== "unrecognized_keys") return told;
  const meant = suggest(issue.keys[0] ?? "", listFields(manifestSchema, issue.path));
  return { ...told, message: `${told.message}${meant}` };
}

/** `input.objects[3].key`, as people write it. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("")
    .replace(/^\./, "");
}
