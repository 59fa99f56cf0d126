/** The part object of one chunk: written create-only, read back where it exists already. */

import type { FaceMode } from "../records/face-mode.ts";
import { uint8ArrayToHex } from "uint8array-extras";
import { ScoringError, type ErrorCode } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import type { ChunkResult } from "../job/chunk-row.ts";
import { emptyOutcomes } from "../job/outcome-counts.ts";
import { parseRecord, serializeRecords } from "../records/record-line.ts";
import type { OpenSha256 } from "../sha256.ts";
import type { InputItem, Outcome, ScoreRecord } from "../records/records.ts";
import { countsAsInput } from "../fold/summary.ts";

/** A part as it lies in the store. */
export interface StoredPart {
  readonly bytes: Uint8Array;
  readonly records: readonly ScoreRecord[];
}

/** Reads a whole object that this program wrote; `null` if it does not exist. @throws ScoringError `object_too_large` */
export async function readObject(store: ObjectStore, key: string, maxBytes: number): Promise<Uint8Array | null> {
  const result = await store.read(key, { maxBytes });
  if (result.kind === "too_large") {
    throw new ScoringError("object_too_large", `${key} has ${result.info.size} bytes; the limit is ${maxBytes}.`);
  }
  return result.kind === "found" ? result.bytes : null;
}

/** JSON lines to values, with the empty last one dropped. */
export function splitLines(bytes: Uint8Array): readonly string[] {
  const text = new TextDecoder().decode(bytes);
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}

/** @throws ScoringError `internal` for a damaged line */
export function parsePart(bytes: Uint8Array): readonly ScoreRecord[] {
  return splitLines(bytes).map((line) => parseRecord(JSON.parse(line)));
}

/** The stored part of these inputs, if there is one. @throws ScoringError `output_conflict` if it holds other inputs */
export async function readPart(
  store: ObjectStore,
  key: string,
  items: readonly InputItem[],
  faces: FaceMode,
  maxBytes: number,
): Promise<StoredPart | null> {
  const bytes = await readObject(store, key, maxBytes);
  if (bytes === null) return null;
  const records = parsePart(bytes);
  const inputs = records.filter((record) => countsAsInput(record, faces));
  const same = inputs.length === items.length && inputs.every((record, i) => belongsTo(record, items[i]!, faces));
  if (!same) throw new ScoringError("output_conflict", `${key} holds the records of other inputs`);
  return { bytes, records };
}

function belongsTo(record: ScoreRecord, item: InputItem, faces: FaceMode): boolean {
  return findInputId(record, faces) === item.id && record.key === item.key;
}

/** Id of the input that a record is of: of several faces of one picture each has a number behind it. */
function findInputId(record: ScoreRecord, faces: FaceMode): string {
  return faces === "all" && record.face !== null ? record.id.replace(/#\d+$/, "") : record.id;
}

/** The records of each input, in input order: by place, since ids of a list may repeat. */
export function groupByInput(records: readonly ScoreRecord[], faces: FaceMode): readonly (readonly ScoreRecord[])[] {
  const inputs: ScoreRecord[][] = [];
  for (const record of records) {
    const last = inputs.at(-1);
    if (last === undefined || countsAsInput(record, faces)) inputs.push([record]);
    else last.push(record);
  }
  return inputs;
}

/** Writes the part, or reads back the one that another attempt wrote: what is stored counts. */
export async function storePart(
  store: ObjectStore,
  key: string,
  records: readonly ScoreRecord[],
  items: readonly InputItem[],
  faces: FaceMode,
  maxBytes: number,
): Promise<StoredPart> {
  const bytes = new TextEncoder().encode(serializeRecords(records));
  const put = await store.put(key, bytes, { ifNoneMatch: "*", contentType: "application/x-ndjson" });
  if (put.kind === "stored") return { bytes, records };
  const stored = await readPart(store, key, items, faces, maxBytes);
  if (stored === null) throw new ScoringError("store_unavailable", `${key} exists and cannot be read`);
  return stored;
}

/** What the coordinator is told about a stored part. @param openHash see {@link digestHex} */
export async function describePart(
  part: StoredPart,
  faces: FaceMode,
  receipt: Pick<ChunkResult, "reads" | "readBytes" | "operations" | "engine">,
  openHash?: OpenSha256,
): Promise<ChunkResult> {
  const outcomes: Record<Outcome, number> = { ...emptyOutcomes() };
  const errors: Partial<Record<ErrorCode, number>> = {};
  for (const record of part.records) {
    if (!countsAsInput(record, faces)) continue;
    outcomes[record.status] += 1;
    if (record.error !== null) errors[record.error.code] = (errors[record.error.code] ?? 0) + 1;
  }
  const sha256 = await digestHex(part.bytes, openHash);
  return { outcomes, errors, records: part.records.length, sha256, bytes: part.bytes.length, ...receipt };
}

/** SHA-256, lower-case hex. @param openHash where there is a faster way than Web Crypto's, which waits for another thread */
export async function digestHex(bytes: Uint8Array, openHash?: OpenSha256): Promise<string> {
  if (openHash !== undefined) {
    const hash = openHash();
    hash.update(bytes);
    return hash.digestHex();
  }
  return uint8ArrayToHex(await crypto.subtle.digest("SHA-256", new Uint8Array(bytes)));
}
