/** The entries of an inline list, and of what came in while a job was open. */

import type { ObjectStore } from "../../storage/object-store.ts";
import type { InputEntry, PlanLimits } from "./input-page.ts";
import type { ArrivedInput, ObjectEntry } from "../manifest/input-spec.ts";
import type { EntryBatch } from "./list-entries.ts";
import type { PageBuilder } from "./page-builder.ts";
import { makeId, parseEntry } from "./parse-entry.ts";
import type { SourcePosition } from "./plan-cursor.ts";

type ObjectsPosition = Extract<SourcePosition, { kind: "objects" }>;

/**
 * Up to `count` entries from `position` on. Invalid ones, and those whose id an earlier entry has, become issues; the whole
 * list is in memory, so the check for duplicates is exact.
 */
export function readObjectEntries(
  store: ObjectStore,
  objects: readonly ObjectEntry[],
  position: ObjectsPosition,
  count: number,
  page: PageBuilder,
  limits: PlanLimits,
): EntryBatch {
  const entries: InputEntry[] = [];
  const { at } = position;
  const end = Math.min(position.until ?? objects.length, objects.length);
  const seen = new Set(objects.slice(0, at).map(getId));
  const rules = { maxGroups: limits.maxGroups, labels: limits.labels, versions: store.capabilities.versions };
  let next = at;
  for (; next < end && entries.length < count; next++) {
    const object = objects[next]!;
    const path = `input.objects[${next}]`;
    if (seen.has(getId(object))) {
      page.addIssue({ path: `${path}.id`, code: "id_duplicate", message: "an earlier entry has the same id" });
      continue;
    }
    seen.add(getId(object));
    const parsed = parseEntry({ ...object }, { path }, rules);
    if (parsed.kind === "entry") entries.push(parsed.entry);
    else for (const issue of parsed.issues) page.addIssue(issue);
  }
  return { entries, position: next < end ? { ...position, at: next } : null };
}

/** Up to `count` inputs of a batch from `position` on: they were checked when they came in, and their ids may repeat. */
export function readArrivedEntries(
  arrived: readonly ArrivedInput[],
  position: ObjectsPosition,
  count: number,
): EntryBatch {
  const end = Math.min(position.at + count, arrived.length);
  return { entries: arrived.slice(position.at, end), position: end < arrived.length ? { ...position, at: end } : null };
}

function getId(object: ObjectEntry): string {
  return object.id ?? makeId(object.key);
}
