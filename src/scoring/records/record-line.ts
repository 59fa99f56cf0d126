/** The canonical line of a record: what `labels.jsonl` and the parts hold, byte for byte the same for the same record. */

import { DISPOSITIONS, type ErrorCode, ScoringError } from "../../errors.ts";
import type { Eyes, Point } from "../../model/face-finder.ts";
import { LABEL_COUNT, LABELS, type Label } from "../../model/labels.ts";
import {
  type FaceRecord,
  OUTCOMES,
  PIPELINE_VERSIONS,
  type Outcome,
  type QualityRecord,
  type ScoreRecord,
} from "./records.ts";

const MICRO = 1_000_000;

/** A number at 6 decimals, as JSON writes it; never `-0`. */
export function roundMicro(value: number): number {
  // Adding 0 turns -0 into 0.
  return Math.round(value * MICRO) / MICRO + 0;
}

function formatNumber(value: number): string {
  if (!Number.isFinite(value)) throw new ScoringError("internal", `a record cannot hold the number ${value}`);
  return JSON.stringify(roundMicro(value));
}

const formatNumbers = (values: readonly number[] | null): string =>
  values === null ? "null" : `[${values.map(formatNumber).join(",")}]`;

const formatText = (value: string | null): string => JSON.stringify(value);

const formatPoint = ({ x, y }: Point): string => `{"x":${formatNumber(x)},"y":${formatNumber(y)}}`;

function formatEyes(eyes: FaceRecord["eyes"]): string {
  return eyes ? `[${eyes.map(formatPoint).join(",")}]` : "null";
}

function formatFace(face: FaceRecord | null): string {
  if (face === null) return "null";
  const { x, y, width, height } = face.box;
  const box = `{"x":${formatNumber(x)},"y":${formatNumber(y)},"width":${formatNumber(width)},"height":${formatNumber(height)}}`;
  return `{"box":${box},"score":${face.score === null ? "null" : formatNumber(face.score)},"eyes":${formatEyes(face.eyes)},"theta":${formatNumbers(face.theta)}}`;
}

/** An object of strings with its keys in code-unit order; written by hand since `__proto__` is a legal key here. */
export function formatGroups(groups: Readonly<Record<string, string>>): string {
  const fields = Object.keys(groups)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${JSON.stringify(groups[key])}`);
  return `{${fields.join(",")}}`;
}

function formatQuality(quality: QualityRecord | null | undefined): string {
  if (!quality) return "null";
  return `{"brightness":${formatNumber(quality.brightness)},"contrast":${formatNumber(quality.contrast)},"side":${formatNumber(quality.side)}}`;
}

/**
 * One line without its newline. Key order is fixed, numbers are rounded to 6 decimals, group names are sorted, so that
 * `serializeRecord(parseRecord(line)) === line`.
 * @throws ScoringError `internal` for NaN or infinity
 */
export function serializeRecord(record: ScoreRecord): string {
  const error =
    record.error === null
      ? "null"
      : `{"code":${formatText(record.error.code)},"message":${formatText(record.error.message)}}`;
  return `{${[
    `"id":${formatText(record.id)}`,
    `"key":${formatText(record.key)}`,
    `"etag":${formatText(record.etag)}`,
    `"status":${formatText(record.status)}`,
    `"label":${formatText(record.label)}`,
    `"probabilities":${formatNumbers(record.probabilities)}`,
    `"margin":${record.margin === null ? "null" : formatNumber(record.margin)}`,
    `"entropy":${record.entropy === null ? "null" : formatNumber(record.entropy)}`,
    `"face":${formatFace(record.face)}`,
    `"groups":${formatGroups(record.groups)}`,
    `"truth":${formatText(record.truth)}`,
    `"quality":${formatQuality(record.quality)}`,
    `"model":${formatText(record.model)}`,
    `"pipeline":${record.pipeline}`,
    `"error":${error}`,
  ].join(",")}}`;
}

/** Lines, each with its newline; the empty string for no record. */
export function serializeRecords(records: Iterable<ScoreRecord>): string {
  let text = "";
  for (const record of records) text += `${serializeRecord(record)}\n`;
  return text;
}

type Fields = Readonly<Record<string, unknown>>;

function refuse(path: string, expected: string): never {
  throw new ScoringError("validation_failed", `record: ${path}: must be ${expected}`, {
    issues: [{ path, code: "invalid_type", message: `must be ${expected}` }],
  });
}

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const readObject = (value: unknown, path: string): Fields => (isObject(value) ? value : refuse(path, "an object"));

const readText = (value: unknown, path: string): string =>
  typeof value === "string" ? value : refuse(path, "a string");

function readNumber(value: unknown, path: string): number {
  return typeof value === "number" && Number.isFinite(value) ? value : refuse(path, "a finite number");
}

function readNumbers(value: unknown, path: string, length: number): number[] {
  if (!Array.isArray(value) || value.length !== length) refuse(path, `a list of ${length} numbers`);
  return value.map((item, index) => readNumber(item, `${path}[${index}]`));
}

const orNull = <T>(value: unknown, read: (value: unknown) => T): T | null =>
  value === null || value === undefined ? null : read(value);

function readLabel(value: unknown, path: string): Label {
  return LABELS.find((label) => label === value) ?? refuse(path, `one of ${LABELS.join(", ")}`);
}

function readPoint(value: unknown, path: string): Point {
  const point = readObject(value, path);
  return { x: readNumber(point["x"], `${path}.x`), y: readNumber(point["y"], `${path}.y`) };
}

function readEyes(value: unknown): Eyes {
  if (!Array.isArray(value) || value.length !== 2) refuse("face.eyes", "two points");
  return [readPoint(value[0], "face.eyes[0]"), readPoint(value[1], "face.eyes[1]")];
}

function readFace(value: unknown): FaceRecord {
  const face = readObject(value, "face");
  const box = readObject(face["box"], "face.box");
  return {
    box: {
      x: readNumber(box["x"], "face.box.x"),
      y: readNumber(box["y"], "face.box.y"),
      width: readNumber(box["width"], "face.box.width"),
      height: readNumber(box["height"], "face.box.height"),
    },
    score: orNull(face["score"], (score) => readNumber(score, "face.score")),
    eyes: orNull(face["eyes"], readEyes),
    theta: orNull(face["theta"], (theta) => readNumbers(theta, "face.theta", 6)),
  };
}

function readGroups(value: unknown): Record<string, string> {
  // fromEntries defines own properties, `__proto__` too.
  return Object.fromEntries(
    Object.entries(readObject(value, "groups")).map(([key, text]) => [key, readText(text, `groups.${key}`)]),
  );
}

function readQuality(value: unknown): QualityRecord {
  const quality = readObject(value, "quality");
  return {
    brightness: readNumber(quality["brightness"], "quality.brightness"),
    contrast: readNumber(quality["contrast"], "quality.contrast"),
    side: readNumber(quality["side"], "quality.side"),
  };
}

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(DISPOSITIONS, code);

function readError(value: unknown): { code: ErrorCode; message: string } {
  const error = readObject(value, "error");
  const code = readText(error["code"], "error.code");
  if (!isErrorCode(code)) refuse("error.code", "a known error code");
  return { code, message: readText(error["message"], "error.message") };
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
  const record = readObject(value, "record");
  const status: Outcome =
    OUTCOMES.find((outcome) => outcome === record["status"]) ?? refuse("status", OUTCOMES.join(", "));
  const pipeline =
    PIPELINE_VERSIONS.find((version) => version === record["pipeline"]) ?? refuse("pipeline", "1, 2 or 3");
  const parsed: ScoreRecord = {
    id: readText(record["id"], "id"),
    key: readText(record["key"], "key"),
    etag: orNull(record["etag"], (etag) => readText(etag, "etag")),
    status,
    label: orNull(record["label"], (label) => readLabel(label, "label")),
    probabilities: orNull(record["probabilities"], (list) => readNumbers(list, "probabilities", LABEL_COUNT)),
    margin: orNull(record["margin"], (margin) => readNumber(margin, "margin")),
    entropy: orNull(record["entropy"], (entropy) => readNumber(entropy, "entropy")),
    face: orNull(record["face"], readFace),
    groups: readGroups(record["groups"]),
    truth: orNull(record["truth"], (truth) => readLabel(truth, "truth")),
    quality: orNull(record["quality"], readQuality),
    model: readText(record["model"], "model"),
    pipeline,
    error: orNull(record["error"], readError),
  };
  if (status === "scored" && (parsed.label === null || parsed.probabilities === null)) {
    refuse("label", "set, with probabilities, where the status is scored");
  }
  return parsed;
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
