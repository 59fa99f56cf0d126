/**
 * Plans the input page by page: whatever names the objects (a prefix, a list, a manifest) and whatever they hold (pictures,
 * shards, rows), one page is a bounded number of items with their etags, and a cursor. No call holds the whole input.
 */

import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { readManifestEntries } from "./manifest-entries.ts";
import { readFerItems } from "./fer2013-items.ts";
import type { InputEntry, InputPage, PlanLimits } from "./input-page.ts";
import type { InputSpec } from "../manifest/input-spec.ts";
import { type EntryBatch, listEntries } from "./list-entries.ts";
import { readArrivedEntries, readObjectEntries } from "./object-entries.ts";
import { createPageBuilder, type PageBuilder } from "./page-builder.ts";
import {
  type ContainerPosition,
  formatPlanCursor,
  parsePlanCursor,
  type SourcePosition,
  START_OF_MANIFEST,
  START_OF_PARQUET,
} from "./plan-cursor.ts";
import { isInventory, readInventoryEntries } from "./inventory-entries.ts";
import { isParquet, readParquetEntries } from "./parquet-entries.ts";
import { readParquetItems } from "./parquet-items.ts";
import { readTarItems } from "./tar-items.ts";

/**
 * The page at `cursor` (`null` for the first). Joined over all pages the items are the same for every page size.
 *
 * Bad lines, bad entries and broken containers are issues; the page continues after them. A container that is missing, or is
 * not the version that its entry names, becomes an item without a range, so that reading it gives the outcome.
 * Throws `object_missing` or `manifest_lost` where the manifest object itself is gone or changed, and the store's transient errors.
 * @param listStore holds the manifest object, if it is another store than that of the inputs
 */
export async function planInputPage(
  store: ObjectStore,
  input: InputSpec,
  cursor: string | null,
  limits: PlanLimits,
  listStore: ObjectStore = store,
): Promise<InputPage> {
  const start = cursor === null ? null : parsePlanCursor(cursor);
  const page = createPageBuilder(start?.nextIndex ?? 0, limits);
  const readContainer = CONTAINERS[input.format];
  let source = start === null ? openSource(input) : start.source;
  let container = start?.container ?? null;
  let endLine: number | undefined;
  // A page that is full of findings ends: whoever wants more goes on.
  const isOpen = (): boolean => page.roomLeft() > 0 && page.readsLeft > 0 && page.issues.length < limits.maxIssues;
  while (isOpen() && (source !== null || container !== null)) {
    if (container !== null) {
      container = await readContainer(store, container, page, limits);
      continue;
    }
    // A container fills the page by itself: its entry is taken alone.
    const count = input.format === "image" ? page.roomLeft() : 1;
    const batch: EntryBatch = await readEntries({ store, listStore }, input, source!, count, page, limits);
    source = batch.position;
    ({ endLine = endLine } = batch);
    for (const entry of batch.entries) {
      if (input.format === "image" || entry.range !== undefined) page.addItem(entry);
      else container = await openContainer(store, entry, page);
    }
  }
  return {
    items: page.items,
    cursor: formatPlanCursor({ nextIndex: page.nextIndex, source, container }),
    issues: page.issues,
    droppedIssues: page.droppedIssues,
    ...(endLine === undefined ? {} : { endLine }),
  };
}

/** What reads the items of each container; a picture is none, and never opened as one. */
const CONTAINERS = {
  image: readTarItems,
  tar: readTarItems,
  "fer2013-csv": readFerItems,
  parquet: readParquetItems,
} as const;

function openSource(input: InputSpec): SourcePosition {
  if (input.kind === "prefix") return { kind: "prefix", after: null };
  if (input.kind === "objects" || input.kind === "open") return { kind: "objects", at: 0 };
  if (isParquet(input.key)) return START_OF_PARQUET;
  if (isInventory(input.key)) return { kind: "inventory", etag: null, file: 0, at: null };
  return { ...START_OF_MANIFEST, etag: input.etag ?? null };
}

function readEntries(
  { store, listStore }: { readonly store: ObjectStore; readonly listStore: ObjectStore },
  input: InputSpec,
  position: SourcePosition,
  count: number,
  page: PageBuilder,
  limits: PlanLimits,
): Promise<EntryBatch> {
  if (input.kind === "prefix" && position.kind === "prefix") {
    return listEntries(store, input.prefix, position, input.format, count, page);
  }
  if (input.kind === "objects" && position.kind === "objects") {
    return Promise.resolve(readObjectEntries(store, input.objects, position, count, page, limits));
  }
  if (input.kind === "open" && position.kind === "objects") {
    return Promise.resolve(readArrivedEntries(input.arrived, position, count));
  }
  if (input.kind === "manifest" && position.kind === "inventory") {
    return readInventoryEntries(listStore, input, position, count, page, limits);
  }
  if (input.kind === "manifest" && position.kind === "parquet") {
    const wanted = { count, versions: store.capabilities.versions, inventory: false };
    return readParquetEntries(listStore, input, position, wanted, page, limits);
  }
  if (input.kind === "manifest" && position.kind === "manifest") {
    return readManifestEntries(
      listStore,
      input,
      position,
      { count, versions: store.capabilities.versions },
      page,
      limits,
    );
  }
  throw new ScoringError("manifest_lost", "the planning cursor belongs to another kind of input");
}

/** Looks a container up once: its etag and size apply to all its items. */
async function openContainer(
  store: ObjectStore,
  entry: InputEntry,
  page: PageBuilder,
): Promise<ContainerPosition | null> {
  const { etag, size } = entry;
  if (etag !== null && size !== null) return makePosition({ ...entry, etag, size });
  page.readsLeft -= 1;
  const info = await store.head(entry.key);
  if (info === null || (etag !== null && info.etag !== etag)) {
    page.addItem(entry);
    return null;
  }
  return makePosition({ ...entry, etag: info.etag, size: info.size });
}

function makePosition(entry: ContainerPosition["entry"]): ContainerPosition {
  return { entry, offset: 0, count: 0, skipping: false, columns: null };
}
