/** The canonical line of a record: what `labels.jsonl` and the parts hold, byte for byte the same for the same record. */

import { ScoringError } from "../../errors.ts";
import { object, refuse, texts } from "./field-types.ts";
import { RECORD_FIELDS } from "./record-fields.ts";
import { type ScoreRecord, topProbability } from "./records.ts";

const record = object<ScoreRecord>(RECORD_FIELDS);

/**
 * One line without its newline. Key order is fixed, numbers are rounded to 6 decimals, group names are sorted, so that
 * `serializeRecord(parseRecord(line)) === line`.
 * @throws ScoringError `internal` for NaN or infinity
 */
export function serializeRecord(value: ScoreRecord): string {
  return record.write(value);
}

/** Lines, each with its newline; the empty string for no record. */
export function serializeRecords(records: Iterable<ScoreRecord>): string {
  let lines = "";
  for (const one of records) lines += `${serializeRecord(one)}\n`;
  return lines;
}

/** Groups as every line has them: keys in code-unit order. */
export function formatGroups(groups: Readonly<Record<string, string>>): string {
  return texts.write(groups);
}

/**
 * Checks one record: a line of JSON or a value already parsed. Unknown fields are dropped.
 * @throws ScoringError `invalid_json`, or `validation_failed` with the path of the first wrong field
 */
export function parseRecord(input: unknown): ScoreRecord {
  let value = input;
  if (typeof input === "string") {
    try {
      value = JSON.parse(input);
    } catch (cause) {
      throw new ScoringError("invalid_json", "record: not JSON", { cause });
    }
  }
  const parsed = record.read(value, "record");
  if (parsed.status === "scored" && topProbability(parsed) === null) {
    refuse("label", "set, with its probability, where the status is scored and nothing was abstained from");
  }
  return parsed;
}

/** JSON lines to values, with the empty last one dropped. */
export function splitLines(bytes: Uint8Array): readonly string[] {
  const lines = new TextDecoder().decode(bytes);
  return lines === "" ? [] : lines.replace(/\n$/, "").split("\n");
}

/** @throws ScoringError `internal` for a damaged line */
export function parsePart(bytes: Uint8Array): readonly ScoreRecord[] {
  return splitLines(bytes).map((line) => parseRecord(JSON.parse(line)));
}
