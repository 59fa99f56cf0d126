/** Fields of a named input, from untrusted values to checked ones: key, id, label, groups, range. */

import type { Issue } from "../../errors.ts";
import { type Label, LABELS } from "../../model/labels.ts";
import { countUtf8Bytes, MAX_KEY_BYTES } from "../../storage/key-rules.ts";
import { type PagePlace, pagePlaceSchema } from "../records/input-item.ts";
import type { InputEntry } from "./input-page.ts";

/** Bytes of a group's name and of its value: they are stored with every record. */
export const MAX_GROUP_BYTES = 256;

/** Characters of a wrong value that a message repeats. */
const QUOTED_LENGTH = 80;

/** Where an entry stands, for its issues: a path and, in a line-oriented manifest, its 1-based line. */
export interface EntryPlace {
  readonly path: string;
  readonly line?: number;
}

/** What an entry may contain. */
export interface EntryRules {
  readonly maxGroups: number;
  /** True where the store honors `versionId`. */
  readonly versions: boolean;
  /** The model's labels; default FER2013's. */
  readonly labels?: readonly Label[] | undefined;
}

/** The checked entry, or what is wrong with it: all findings together. */
export type ParsedEntry =
  | { readonly kind: "entry"; readonly entry: InputEntry }
  | { readonly kind: "invalid"; readonly issues: readonly Issue[] };

/** Everything that a terminal, a log or a spreadsheet could obey or hide: controls, line separators, bidirectional marks. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

/**
 * An id made from a key: unsafe characters percent-encoded as UTF-8. A `%` that already looks like an escape is encoded
 * too, so that different keys have different ids.
 */
export function makeId(key: string): string {
  return key.replace(/%(?=[0-9a-fA-F]{2})/g, "%25").replace(UNSAFE, (character) => encodeURIComponent(character));
}

/** A label by name (any case) or by its place in the model's order, number or digits; null if it is neither. */
export function parseLabel(value: unknown, labels: readonly Label[] = LABELS): Label | null {
  if (typeof value === "number") return labels[value] ?? null;
  if (typeof value !== "string") return null;
  const text = value.trim();
  if (/^\d{1,2}$/.test(text)) return labels[Number(text)] ?? null;
  return labels.find((label) => label.toLowerCase() === text.toLowerCase()) ?? null;
}

/**
 * Checks one entry. `raw` may come from JSON: missing and `null` fields are the same, unknown fields are ignored (so a line
 * of `errors.jsonl` is an entry), and `truth` stands in for `label`.
 * Both together are a finding, since nobody can tell which is meant.
 */
export function parseEntry(raw: Readonly<Record<string, unknown>>, place: EntryPlace, rules: EntryRules): ParsedEntry {
  const issues: Issue[] = [];
  const { labels = LABELS } = rules;
  const report = (field: string, code: string, message: string): null => {
    issues.push({ ...place, path: `${place.path}.${field}`, code, message });
    return null;
  };
  const key =
    checkText(raw["key"], MAX_KEY_BYTES) ??
    report("key", "key_invalid", "the key must be a string of 1 to 1,024 bytes");
  const id = readOptional(raw["id"], (value) =>
    isSafeText(value, MAX_KEY_BYTES)
      ? value
      : report("id", "id_invalid", "the id must be a string of 1 to 1,024 bytes without control characters"),
  );
  const etag = readOptional(raw["etag"], (value) => {
    const text = checkText(value, MAX_KEY_BYTES);
    return text === null ? report("etag", "etag_invalid", "the etag must be a string") : text.replaceAll('"', "");
  });
  const versionId = readOptional(raw["versionId"], (value) => {
    if (!rules.versions) return report("versionId", "version_unsupported", "this store has no object versions");
    return checkText(value, MAX_KEY_BYTES) ?? report("versionId", "version_invalid", "the versionId must be a string");
  });
  const label = readOptional(
    raw["label"] ?? raw["truth"],
    (value) =>
      parseLabel(value, labels) ??
      report("label", "label_unknown", `the label must be one of ${labels.join(", ")} or 0 to ${labels.length - 1}`),
  );
  if (isGiven(raw["label"]) && isGiven(raw["truth"])) {
    report("truth", "label_ambiguous", "the entry has a label and a truth, and both mean the true label; keep one");
  }
  const size = readOptional(raw["size"], (value) =>
    isCount(value)
      ? value
      : report("size", "size_invalid", `the size must be a whole number of bytes in digits, not ${quoteValue(value)}`),
  );
  const range = readOptional(
    raw["range"],
    (value) => parseRange(value) ?? report("range", "range_invalid", "the range must be { offset, length } in bytes"),
  );
  const page = readOptional(
    raw["page"],
    (value) => parsePage(value) ?? report("page", "page_invalid", "the page must be as a job wrote it"),
  );
  const groups = readOptional(
    raw["groups"],
    (value) =>
      parseGroups(value, rules.maxGroups) ??
      report("groups", "groups_invalid", `the groups must be at most ${rules.maxGroups} names with short strings`),
  );
  if (issues.length > 0 || key === null) return { kind: "invalid", issues };
  return {
    kind: "entry",
    entry: {
      key,
      id: id ?? makeId(key),
      size: size ?? null,
      etag: etag ?? null,
      ...(versionId === null ? {} : { versionId }),
      ...(label === null ? {} : { label }),
      ...(range === null ? {} : { range }),
      ...(page === null ? {} : { page }),
      ...(groups === null || Object.keys(groups).length === 0 ? {} : { groups }),
    },
  };
}

/** A value for a message: as JSON, short, without anything that a terminal obeys. */
export function quoteValue(value: unknown): string {
  return makeId((JSON.stringify(value) ?? "nothing").slice(0, QUOTED_LENGTH));
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function readOptional<T>(value: unknown, parse: (value: unknown) => T | null): T | null {
  return isGiven(value) ? parse(value) : null;
}

function checkText(value: unknown, maxBytes: number): string | null {
  if (typeof value !== "string" || value.length === 0 || !value.isWellFormed()) return null;
  return countUtf8Bytes(value) <= maxBytes ? value : null;
}

function isSafeText(value: unknown, maxBytes: number): value is string {
  const text = checkText(value, maxBytes);
  return text !== null && text.search(UNSAFE) === -1;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function parseRange(value: unknown): { offset: number; length: number } | null {
  if (typeof value !== "object" || value === null || !("offset" in value) || !("length" in value)) return null;
  const { offset, length } = value;
  return isCount(offset) && isCount(length) ? { offset, length } : null;
}

function parsePage(value: unknown): PagePlace | null {
  const page = pagePlaceSchema.safeParse(value);
  return page.success ? page.data : null;
}

/** Group values: texts, and numbers or booleans as JSON writes them. */
function parseGroups(value: unknown, maxGroups: number): Record<string, string> | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const names = Object.keys(value);
  if (names.length > maxGroups) return null;
  // No prototype: a group named `__proto__` is a group like any other.
  const groups: Record<string, string> = Object.create(null);
  for (const [name, raw] of Object.entries(value)) {
    const text = typeof raw === "number" || typeof raw === "boolean" ? String(raw) : raw;
    if (!isSafeText(name, MAX_GROUP_BYTES) || !(text === "" || isSafeText(text, MAX_GROUP_BYTES))) return null;
    groups[name] = text;
  }
  return { ...groups };
}
