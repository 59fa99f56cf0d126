/** Which records the gallery shows, from the address. */

import type { PlacedRecord } from "../../../src/client/label-reader.ts";
import { type EarlierLabels, findFlip } from "./flips.ts";

/** Filters and order; `null` takes everything. */
export interface Filters {
  readonly label: string | null;
  readonly outcome: string | null;
  /** `name=value`. */
  readonly group: string | null;
  /** Part of the id or the key, in any case. */
  readonly search: string | null;
  /** Largest margin, 0…1. */
  readonly maxMargin: number | null;
  /** True label and label differ. */
  readonly wrong: boolean;
  /** Another run: only records that it labels differently. */
  readonly flips: string | null;
  readonly sort: "input" | "margin" | "surest";
}

/** Reads the address's query. */
export function parseFilters(query: URLSearchParams): Filters {
  const margin = Number(query.get("margin") ?? Number.NaN);
  const sort = query.get("sort");
  return {
    label: query.get("label"),
    outcome: query.get("outcome"),
    group: query.get("group"),
    search: query.get("q"),
    maxMargin: Number.isFinite(margin) && margin < 1 ? margin : null,
    wrong: query.get("wrong") === "1",
    flips: query.get("flips"),
    sort: sort === "margin" || sort === "surest" ? sort : "input",
  };
}

/** The records that pass, in the wanted order. @param earlier labels of the run that `flips` names, as far as they are known */
export function selectRecords(
  records: readonly PlacedRecord[],
  filters: Filters,
  earlier: EarlierLabels | null = null,
): readonly PlacedRecord[] {
  const search = filters.search?.toLowerCase() ?? "";
  const cut = filters.group?.indexOf("=") ?? -1;
  const name = filters.group?.slice(0, cut) ?? "";
  const value = filters.group?.slice(cut + 1);
  const kept = records.filter(
    ({ record }) =>
      (filters.label === null || record.label === filters.label) &&
      (filters.outcome === null || record.status === filters.outcome) &&
      (filters.group === null || (Object.hasOwn(record.groups, name) && record.groups[name] === value)) &&
      (search === "" || record.id.toLowerCase().includes(search) || record.key.toLowerCase().includes(search)) &&
      (filters.maxMargin === null || (record.margin !== null && record.margin <= filters.maxMargin)) &&
      (!filters.wrong || (record.truth !== null && record.label !== null && record.truth !== record.label)) &&
      (filters.flips === null || findFlip(record, earlier) !== null),
  );
  if (filters.sort === "input") return kept;
  const sign = filters.sort === "margin" ? 1 : -1;
  // Records without a margin come last either way.
  return kept.toSorted((a, b) => orderOf(a, sign) - orderOf(b, sign));
}

function orderOf({ record }: PlacedRecord, sign: number): number {
  return record.margin === null ? Infinity : sign * record.margin;
}

/** Records by label in label order, and by outcome, of those that pass every filter but these two. */
export function countChoices(
  records: readonly PlacedRecord[],
  filters: Filters,
  earlier: EarlierLabels | null = null,
): { readonly labels: ReadonlyMap<string, number>; readonly outcomes: Readonly<Record<string, number>> } {
  // All labels of the model, which every scored record has, so that a filter never hides its own pill.
  const scored = records.find(({ record }) => record.probabilities !== null);
  const labels = new Map(Object.keys(scored?.record.probabilities ?? {}).map((label) => [label, 0]));
  const outcomes: Record<string, number> = {};
  const plain = { ...filters, label: null, outcome: null, sort: "input" } as const;
  for (const { record } of selectRecords(records, plain, earlier)) {
    outcomes[record.status] = (outcomes[record.status] ?? 0) + 1;
    if (record.label !== null) labels.set(record.label, (labels.get(record.label) ?? 0) + 1);
  }
  return { labels, outcomes };
}

/** Records whose label is not the given one. */
export function countWrong(records: readonly PlacedRecord[]): number {
  return records.filter(({ record: { label, truth } }) => truth !== null && label !== null && truth !== label).length;
}

/** Every `name=value` that occurs, sorted; at most `limit`. */
export function listGroups(records: readonly PlacedRecord[], limit: number): string[] {
  const groups = new Set<string>();
  for (const { record } of records) {
    for (const [name, value] of Object.entries(record.groups)) if (groups.size < limit) groups.add(`${name}=${value}`);
  }
  return [...groups].sort();
}
