/** The entries of a manifest object: JSONL or CSV, optionally gzip, resumable at any line. */

import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { inflatePieces } from "./inflate.ts";
import type { InputEntry, PlanLimits } from "./input-page.ts";
import type { InputSpec } from "../manifest/input-spec.ts";
import { computeLineWindow, readLines } from "../inputs/lines.ts";
import type { EntryBatch } from "./list-entries.ts";
import { createCsvRowParser, createJsonRowParser, type RowFinding, type RowParser } from "./manifest-rows.ts";
import type { PageBuilder } from "./page-builder.ts";
import { parseEntry, quoteValue } from "./parse-entry.ts";
import type { ManifestPosition } from "./plan-cursor.ts";
import { type ObjectVersion, type Piece, readPieces, readRange } from "../inputs/range-reader.ts";

type ManifestSpec = Extract<InputSpec, { kind: "manifest" }>;

const GZIP_MAGIC = [0x1f, 0x8b];
const BYTE_ORDER_MARK = "\ufeff";

/**
 * Up to `count` entries from `position`. The first call finds the manifest's version and syntax (gzip by its first bytes;
 * CSV or JSONL by name, else by the first character); later calls read exactly that version, else `manifest_lost`.
 * A gzip manifest is inflated from its start for each page, since gzip has no random access: prefer large pages.
 * Ids that occur twice are accepted: the ids of all pages need not fit in memory (docs/architecture.md, "Choices that need a reason").
 * @param store holds the manifest
 * @param wanted.versions whether the store of the inputs, which may be another one, has object versions
 */
export async function readManifestEntries(
  store: ObjectStore,
  input: ManifestSpec,
  position: ManifestPosition,
  wanted: { readonly count: number; readonly versions: boolean },
  page: PageBuilder,
  limits: PlanLimits,
): Promise<EntryBatch> {
  const { count, versions } = wanted;
  // What is known of its syntax before it is opened, stays so.
  let state = position.line === 0 ? { ...(await openManifest(store, input, page)), ...pickSyntax(position) } : position;
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const rules = { maxGroups: limits.maxGroups, labels: limits.labels, versions };
  const entries: InputEntry[] = [];
  let parser = state.syntax === null ? null : createParser(state.syntax, state.columns);

  const end = state.until ?? Number.POSITIVE_INFINITY;
  let unreadable = false;
  let blankBytes = 0;
  let stopped = false;

  const collect = (text: string): void => {
    const place = { path: input.key, line: state.line };
    const first = parser === null;
    const syntax = state.syntax ?? detectSyntax(input.key, text);
    parser ??= createParser(syntax, null);
    const row = parser.parse(text, first);
    state = { ...state, syntax, columns: parser.columns };
    if (row === null) return;
    if (row.kind === "invalid") {
      page.addIssue({ ...place, ...row.finding });
      return;
    }
    if (row.kind === "unreadable") {
      unreadable = true;
      for (const finding of row.findings) page.addIssue({ ...place, ...finding });
      return;
    }
    if (row.bucket !== null) {
      const bucket = input.bucket ?? state.bucket ?? row.bucket;
      if (row.bucket !== bucket) {
        page.addIssue({ ...place, ...describeBucket(row.bucket, bucket, parser) });
        return;
      }
      state = { ...state, bucket };
    }
    const parsed = parseEntry(row.fields, place, rules);
    if (parsed.kind === "entry") {
      entries.push(parsed.entry);
      return;
    }
    for (const issue of parsed.issues) {
      const column = parser.findColumn(issue.path.slice(place.path.length + 1));
      page.addIssue({ ...issue, ...(column === undefined ? {} : { column }) });
    }
  };

  try {
    const pieces = openPieces(store, input.key, state, page, limits);
    for await (const line of readLines(pieces, state, limits.maxLineBytes)) {
      // What begins here belongs to another range, and so does the rest of a line that was given up before.
      if (state.offset >= end) break;
      const place = { path: input.key, line: state.line };
      if (line.kind === "too_long") {
        page.addIssue({
          ...place,
          code: "line_too_long",
          message: `the line has more than ${limits.maxLineBytes} bytes`,
        });
      } else if (line.kind === "line") {
        const text = decodeLine(decoder, line.bytes, line.offset);
        if (text === null) page.addIssue({ ...place, code: "line_invalid", message: "the line is not UTF-8" });
        else if (text.trim() !== "") collect(text);
        else blankBytes += line.bytes.length + 1;
      }
      state = { ...state, ...line.next };
      if (unreadable) return { entries: [], position: null };
      if (blankBytes > limits.maxBlankBytes) {
        const message = `there are more than ${limits.maxBlankBytes} bytes of blank lines`;
        page.addIssue({ ...place, code: "line_invalid", message });
        return { entries, position: null };
      }
      stopped = entries.length >= count || page.issues.length >= limits.maxIssues;
      if (stopped) break;
    }
  } catch (error) {
    throw toManifestError(error, input.key);
  }
  // A gzip stream ends only at its end; its size is not known before.
  const atEnd = state.gzip ? !stopped : state.offset >= state.size;
  const next = atEnd || state.offset >= end ? null : state;
  return { entries, position: next, endLine: state.line + (state.skipping ? 1 : 0) };
}

async function openManifest(store: ObjectStore, input: ManifestSpec, page: PageBuilder): Promise<ManifestPosition> {
  page.readsLeft -= 2;
  const info = await store.head(input.key);
  if (info === null) throw new ScoringError("not_found", `there is no manifest object ${input.key}`);
  if (input.etag !== undefined && input.etag !== info.etag) {
    throw new ScoringError("manifest_lost", `the manifest ${input.key} is not the version with etag ${input.etag}`);
  }
  const magic = info.size < 2 ? new Uint8Array(0) : await readRange(store, info, 0, 2);
  return {
    kind: "manifest",
    etag: info.etag,
    size: info.size,
    gzip: GZIP_MAGIC.every((byte, at) => magic[at] === byte),
    syntax: null,
    offset: 0,
    line: 1,
    skipping: false,
    columns: null,
    bucket: null,
  };
}

const pickSyntax = ({ syntax, columns }: ManifestPosition): Pick<ManifestPosition, "syntax" | "columns"> => ({
  syntax,
  columns,
});

function describeBucket(named: string, bucket: string, parser: RowParser): RowFinding {
  const column = parser.findColumn("bucket");
  const header = parser.columns === null ? `; a header row must have a column named "key"` : "";
  const message = `the line names the bucket ${quoteValue(named)}, not ${quoteValue(bucket)}: a list is read from one${header}`;
  return { code: "bucket_mismatch", message, ...(column === undefined ? {} : { column }) };
}

function openPieces(
  store: ObjectStore,
  key: string,
  state: ManifestPosition,
  page: PageBuilder,
  limits: PlanLimits,
): AsyncIterable<Piece> {
  // Of a range, the last line may end behind it.
  const end = Math.min(state.size, (state.until ?? state.size) + limits.maxLineBytes + 2);
  const object: ObjectVersion = { key, etag: state.etag ?? "", size: state.size };
  if (!state.gzip)
    return readPieces(store, object, state.offset, computeLineWindow(limits), () => page.readsLeft-- > 0, end);
  const open = async (): Promise<ReadableStream<Uint8Array>> => {
    page.readsLeft -= 1;
    const result = await store.get(key, { ifMatch: object.etag });
    if (result.kind !== "found") throw new ScoringError("object_changed", `${key} is ${result.kind}`);
    return result.body;
  };
  return inflatePieces(open, state.size, state.offset, limits);
}

function createParser(syntax: "jsonl" | "csv", columns: readonly string[] | null): RowParser {
  return syntax === "jsonl" ? createJsonRowParser() : createCsvRowParser(columns);
}

function detectSyntax(key: string, firstLine: string): "jsonl" | "csv" {
  const name = key.toLowerCase().replace(/\.gz$/, "");
  if (/\.(jsonl|ndjson)$/.test(name)) return "jsonl";
  if (name.endsWith(".csv")) return "csv";
  return firstLine.trimStart().startsWith("{") ? "jsonl" : "csv";
}

/** The text of a line, without the byte order mark that may begin a file; null if it is not UTF-8. */
function decodeLine(decoder: TextDecoder, bytes: Uint8Array, offset: number): string | null {
  try {
    const text = decoder.decode(bytes);
    return offset === 0 && text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  } catch {
    return null;
  }
}

function toManifestError(error: unknown, key: string): unknown {
  if (!(error instanceof ScoringError)) return error;
  if (error.code !== "object_changed" && error.code !== "object_missing") return error;
  return new ScoringError("manifest_lost", `the manifest ${key} changed while it was read`, { cause: error });
}
