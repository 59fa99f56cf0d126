/** Looks for lies in a client's records: first in the form of all of them, then in the values of some, against the edge's own. */

import type { Thresholds } from "../../model/abstention.ts";
import { giveLabel } from "../chunk/score-record.ts";
import { deriveVerdict } from "../../model/softmax.ts";
import { DISPOSITIONS } from "../../errors.ts";
import { formatGroups } from "../records/record-line.ts";
import type { FaceMode } from "../records/face-mode.ts";
import { findTopLabel, type RecordShape, type ScoreRecord, SHIPPED_SHAPE } from "../records/records.ts";
import type { InputItem } from "../records/input-item.ts";
import type { RecordStamp } from "../chunk/score-record.ts";
import { isSameLabel } from "../records/engine-agreement.ts";
import { type Cell, listRecordColumns, SCORE_FIELDS } from "../records/record-fields.ts";

/** Half a unit of float32 rounding over seven sums. */
const SUM_TOLERANCE = 1e-4;
/** A message is the program's own sentence; nothing longer is stored. */
const MAX_MESSAGE_CHARACTERS = 500;

/** The records of each input, or what is wrong with their form. */
export type RecordGroups =
  | { readonly kind: "groups"; readonly groups: readonly (readonly ScoreRecord[])[] }
  | { readonly kind: "wrong"; readonly problem: string };

/** Checks that these are records of exactly these inputs, in order, each consistent in itself. */
export function groupRecords(
  items: readonly InputItem[],
  records: readonly ScoreRecord[],
  mode: FaceMode,
  stamp: RecordStamp,
  shape: RecordShape = SHIPPED_SHAPE,
): RecordGroups {
  const groups: (readonly ScoreRecord[])[] = [];
  let at = 0;
  for (const item of items) {
    const first = records[at];
    const numbered = mode === "all" && first?.face !== null;
    let end = at;
    if (!numbered) end = at + 1;
    else while (records[end]?.key === item.key && records[end]?.id === `${item.id}#${end - at}`) end += 1;
    const own = records.slice(at, end);
    if (own.length === 0 || (!numbered && own[0]?.id !== item.id)) {
      return { kind: "wrong", problem: `no record of ${item.id} in its place` };
    }
    for (const record of own) {
      const problem = findFault(item, record, stamp, shape);
      if (problem !== null) return { kind: "wrong", problem: `${record.id}: ${problem}` };
    }
    groups.push(own);
    at = end;
  }
  return at === records.length ? { kind: "groups", groups } : { kind: "wrong", problem: "records of no input" };
}

function findFault(item: InputItem, record: ScoreRecord, stamp: RecordStamp, shape: RecordShape): string | null {
  if (record.key !== item.key) return "another key";
  if (record.model !== stamp.model || record.pipeline !== stamp.pipeline) return "another model";
  if (item.etag !== null && record.etag !== item.etag) return "another etag";
  if ((item.label ?? null) !== record.truth) return "another truth";
  if (record.decoder !== undefined) return "a decoder that the server does not have";
  if (formatGroups(record.groups) !== formatGroups(item.groups ?? {})) return "other groups";
  const { status, error } = record;
  if (status === "cancelled" || status === "expired") return `${status} is not for a client to say`;
  if (status === "scored")
    return error === null ? findScoreFault(record, stamp.thresholds, shape) : "an error in a scored record";
  if (SCORE_FIELDS.some((name) => (record[name] ?? null) !== null)) return "values without a score";
  if (status === "no_face") return error === null ? null : "an error where there is no face";
  if (error === null || DISPOSITIONS[error.code] !== "item") return "no reason of the input's own";
  return error.message.length > MAX_MESSAGE_CHARACTERS ? "a message that is too long" : null;
}

function findScoreFault(record: ScoreRecord, thresholds: Thresholds | undefined, shape: RecordShape): string | null {
  const { face, quality } = record;
  if (record.probabilities === null || face === null || (quality ?? null) === null) return "a score without its values";
  if (Object.keys(record.probabilities).join("\n") !== shape.labels.join("\n")) return "probabilities of other labels";
  if ((record.embedding !== undefined) !== shape.embedding) return "an embedding that was not asked for, or none";
  const probabilities = Object.values(record.probabilities);
  if (probabilities.some((p) => !(p >= 0 && p <= 1))) return "a probability outside 0…1";
  const sum = probabilities.reduce((total, p) => total + p, 0);
  if (Math.abs(sum - 1) > SUM_TOLERANCE) return `probabilities that sum to ${sum}`;
  const verdict = deriveVerdict(shape.labels, Float32Array.from(probabilities));
  if (verdict.label !== findTopLabel(record)) return "a label that is not the most probable";
  if (giveLabel(verdict, thresholds).label !== record.label) return "a label that the job's thresholds do not give";
  const derived = [verdict.margin - (record.margin ?? NaN), verdict.entropy - (record.entropy ?? NaN)];
  return derived.every((difference) => Math.abs(difference) <= SUM_TOLERANCE) ? null : "another margin or entropy";
}

/** How the client's records of one input differ from the edge's; `null` if they do not. */
export function findDisagreement(claimed: readonly ScoreRecord[], own: readonly ScoreRecord[]): string | null {
  // An object that changed since the client read it proves nothing, unless the client says the same.
  const gone = own.find(({ error }) => error?.code === "object_missing" || error?.code === "object_changed");
  if (gone !== undefined && claimed[0]?.status === "scored") return null;
  if (claimed.length !== own.length) return `${claimed.length} faces, not ${own.length}`;
  for (const [index, record] of claimed.entries()) {
    const problem = compare(record, own[index]!);
    if (problem !== null) return `${record.id}: ${problem}`;
  }
  return null;
}

function compare(claimed: ScoreRecord, own: ScoreRecord): string | null {
  const labels = Object.keys(own.probabilities ?? {});
  for (const { name, read, tolerance } of listRecordColumns([], { labels, embedding: own.embedding !== undefined })) {
    if (tolerance === null) continue;
    const [theirs, ours] = [read(claimed), read(own)];
    if (isFar(theirs, ours, tolerance)) return `${name} ${quote(theirs)}, not ${quote(ours)}`;
  }
  return isSameLabel(claimed, own) ? null : `${claimed.label}, not ${own.label}`;
}

const quote = (cell: Cell): string => (typeof cell === "object" ? JSON.stringify(cell)?.slice(0, 40) : String(cell));

function isFar(a: Cell, b: Cell, tolerance: number): boolean {
  if (typeof a === "object" || typeof b === "object") {
    if (a === null || b === null) return a !== b;
    if (typeof a !== "object" || typeof b !== "object" || a.length !== b.length) return true;
    return a.some((value, at) => !(Math.abs(value - b[at]!) <= tolerance * Math.max(1, Math.abs(b[at]!))));
  }
  return typeof a === "number" && typeof b === "number" ? !(Math.abs(a - b) <= tolerance) : a !== b;
}
