/**
 * The entries of an S3 Inventory (AWS documentation, "Locating your S3 Inventory list"): a `manifest.json` that names the columns and
 * the data files, CSV without a header and compressed by gzip, or Parquet. Read file by file, resumable at any line.
 */

import { z } from "zod";
import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import type { InputSpec } from "../manifest/input-spec.ts";
import type { PlanLimits } from "./input-page.ts";
import { type EntryBatch, isInput } from "./list-entries.ts";
import { readManifestEntries } from "./manifest-entries.ts";
import { IGNORED_COLUMN, LATEST_COLUMN, MARKER_COLUMN } from "./manifest-rows.ts";
import type { PageBuilder } from "./page-builder.ts";
import { readParquetEntries } from "./parquet-entries.ts";
import { type InventoryPosition, START_OF_MANIFEST, START_OF_PARQUET } from "./plan-cursor.ts";

type ManifestSpec = Extract<InputSpec, { kind: "manifest" }>;

/** Bytes of a `manifest.json`: about 200 for each data file of some hundred thousand rows. */
const MAX_INVENTORY_BYTES = 4 * 1024 * 1024;

const inventorySchema = z.object({
  sourceBucket: z.string(),
  fileFormat: z.string(),
  fileSchema: z.string(),
  files: z.array(z.object({ key: z.string().min(1) })),
});

/** Columns that say something about an input; all others are left out. */
const COLUMNS: Readonly<Record<string, string>> = {
  bucket: "bucket",
  key: "key",
  size: "size",
  etag: "etag",
  islatest: LATEST_COLUMN,
  isdeletemarker: MARKER_COLUMN,
};

/** Whether a list's key says that it is an inventory's. */
export function isInventory(key: string): boolean {
  return key === "manifest.json" || key.endsWith("/manifest.json");
}

/**
 * Up to about `count` entries from `position`: of the newest versions, without folder markers and, for containers, without objects whose
 * name is not a container's, as in a listing.
 * @param store holds `manifest.json` and the data files
 * @throws ScoringError `not_found`, `manifest_lost`; `validation_failed` for a file that is no inventory, or one in another format than CSV and Parquet
 */
export async function readInventoryEntries(
  store: ObjectStore,
  input: ManifestSpec,
  position: InventoryPosition,
  count: number,
  page: PageBuilder,
  limits: PlanLimits,
): Promise<EntryBatch> {
  const { etag, files, columns, bucket } = await openInventory(store, input, position, page);
  const end = Math.min(position.until ?? files.length, files.length);
  const file = files[position.file];
  if (file === undefined) return { entries: [], position: null };
  const at = position.at ?? (columns === null ? START_OF_PARQUET : { ...START_OF_MANIFEST, syntax: "csv", columns });
  const data: ManifestSpec = { kind: "manifest", format: input.format, key: file.key, bucket: input.bucket ?? bucket };
  const wanted = { count, versions: false, inventory: true };
  const batch =
    at.kind === "parquet"
      ? await readParquetEntries(store, data, at, wanted, page, limits)
      : await readManifestEntries(store, data, at, wanted, page, limits);
  const left = batch.position?.kind === "manifest" || batch.position?.kind === "parquet" ? batch.position : null;
  const next = left === null ? { file: position.file + 1, at: null } : { file: position.file, at: left };
  return {
    entries: batch.entries.filter(({ key }) => isInput(key, input.format)),
    position: next.file >= end ? null : { ...position, etag, ...next },
  };
}

/** How many data files there are. Errors as for {@link readInventoryEntries}. */
export async function countInventoryFiles(
  store: ObjectStore,
  input: ManifestSpec,
  position: InventoryPosition,
): Promise<number> {
  return (await openInventory(store, input, position, { readsLeft: 1 })).files.length;
}

async function openInventory(
  store: ObjectStore,
  input: ManifestSpec,
  position: InventoryPosition,
  page: Pick<PageBuilder, "readsLeft">,
) {
  page.readsLeft -= 1;
  const found = await store.read(input.key, { maxBytes: MAX_INVENTORY_BYTES });
  if (found.kind === "missing") throw new ScoringError("not_found", `there is no manifest object ${input.key}`);
  if (found.kind !== "found") {
    throw new ScoringError("validation_failed", `${input.key} has more than ${MAX_INVENTORY_BYTES} bytes`);
  }
  const { etag } = found.info;
  const expected = position.etag ?? input.etag ?? etag;
  if (etag !== expected) {
    throw new ScoringError("manifest_lost", `the manifest ${input.key} is not the version with etag ${expected}`);
  }
  return { etag, ...parseInventory(input.key, found.bytes) };
}

function parseInventory(key: string, bytes: Uint8Array) {
  let value: unknown = null;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // Reported below.
  }
  const parsed = inventorySchema.safeParse(value);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new ScoringError(
      "validation_failed",
      `${key} is not an S3 Inventory: ${path.join(".") || "the document"}: ${message}; a list of inputs must not be named manifest.json`,
    );
  }
  const { fileFormat, fileSchema, files, sourceBucket } = parsed.data;
  if (fileFormat === "Parquet") return { files, columns: null, bucket: sourceBucket };
  if (fileFormat !== "CSV") {
    throw new ScoringError(
      "validation_failed",
      `${key}: fileFormat is ${fileFormat}: only CSV and Parquet are read, configure the inventory so`,
    );
  }
  const columns = fileSchema.split(",").map((name) => COLUMNS[name.trim().toLowerCase()] ?? IGNORED_COLUMN);
  if (!columns.includes("key")) throw new ScoringError("validation_failed", `${key}: fileSchema has no column Key`);
  return { files, columns, bucket: sourceBucket };
}
