/** The part object of one chunk: written create-only, and read back if it exists already. */

import { ScoringError, type ErrorCode } from "../../errors.ts";
import { LABELS } from "../../model/labels.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import type { ChunkResult } from "../job/chunk-row.ts";
import { emptyOutcomes } from "../job/outcome-counts.ts";
import { serializeRecords, parsePart } from "../records/record-line.ts";
import { type OpenSha256, digestHex } from "../sha256.ts";
import type { Outcome, ScoreRecord } from "../records/records.ts";
import type { InputItem } from "../records/input-item.ts";
import { countsAsInput, findInputId } from "../records/record-groups.ts";
import type { FaceMode } from "../records/face-mode.ts";
import { readObject } from "../../storage/read-object.ts";

/** A part as it lies in the store. */
export interface StoredPart {
  readonly bytes: Uint8Array;
  readonly records: readonly ScoreRecord[];
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

/** Writes the part, or reads back the one that another attempt wrote: the stored one counts. */
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
  labelSet: readonly string[] = LABELS,
): Promise<ChunkResult> {
  const outcomes: Record<Outcome, number> = { ...emptyOutcomes() };
  const errors: Partial<Record<ErrorCode, number>> = {};
  const labels = labelSet.map(() => 0);
  for (const record of part.records) {
    if (record.label !== null) labels[labelSet.indexOf(record.label)]! += 1;
    if (!countsAsInput(record, faces)) continue;
    outcomes[record.status] += 1;
    if (record.error !== null) errors[record.error.code] = (errors[record.error.code] ?? 0) + 1;
  }
  const decoders = [...new Set(part.records.flatMap(({ decoder }) => decoder ?? []))];
  const sha256 = await digestHex(part.bytes, openHash);
  const counts = { outcomes, errors, labels, records: part.records.length };
  return { ...counts, sha256, bytes: part.bytes.length, ...(decoders.length > 0 && { decoders }), ...receipt };
}
