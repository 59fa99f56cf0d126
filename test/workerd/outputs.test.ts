import { LABELS } from "../../src/model/labels.ts";
import { nameProbabilities } from "../../src/scoring/chunk/score-record.ts";
import { parquetReadObjects } from "hyparquet";
import { describe, expect, it } from "vitest";
import { parseRecord, serializeRecord, serializeRecords } from "../../src/scoring/records/record-line.ts";
import { createParquetEncoder } from "../../src/scoring/outputs/labels-parquet.ts";
import { createPartBuffer } from "../../src/scoring/outputs/part-buffer.ts";
import { formatErrorLines } from "../../src/scoring/outputs/errors-jsonl.ts";
import { formatCsvHeader, formatCsvRows } from "../../src/scoring/outputs/labels-csv.ts";
import type { ScoreRecord } from "../../src/scoring/records/records.ts";
import { testShift } from "../../src/scoring/statistics/shift.ts";
import { summarize } from "../../src/scoring/fold/summary.ts";

/** The outputs' libraries and the saved hash, inside the runtime that they ship in. */

const records = Array.from({ length: 50 }, (_, index): ScoreRecord => ({
  id: `=face-${index}`,
  key: `ключ/${index}.jpg`,
  etag: `"${index}"`,
  status: "scored",
  label: index % 3 === 0 ? "Happy" : "Sad",
  probabilities: nameProbabilities(LABELS, [0.1, 0.05, 0.05, 0.5, 0.2, 0.05, 0.05]),
  margin: 0.3,
  entropy: 1.498866,
  face: {
    box: { x: 1, y: 2, width: 30, height: 30 },
    score: 0.9,
    eyes: [
      { x: 9, y: 12 },
      { x: 21, y: 12 },
    ],
    theta: [1, 0, -0.5, 0, 1, 0],
  },
  groups: { site: index % 2 === 0 ? "a" : "b" },
  truth: null,
  quality: { brightness: 120, contrast: 40.25, side: 30 },
  model: "deep-emotion@1",
  pipeline: 1,
  error: null,
}));

const options = { groupKeys: ["site"], rowGroupRows: 16 };

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

/** Text as an output holds it: through UTF-8. */
const readLines = (text: string): readonly string[] =>
  new TextDecoder().decode(new TextEncoder().encode(text)).trimEnd().split("\n");

function encodeParquet(): Uint8Array<ArrayBuffer> {
  const encoder = createParquetEncoder(options);
  return concat([encoder.encode(records), encoder.finish()]);
}

describe("merged outputs in workerd", () => {
  it("are cut and hashed over three invocations as in one", async () => {
    let encoded: Uint8Array | undefined;
    let buffered: Uint8Array | undefined;
    const parts: Uint8Array[] = [];
    for (const [from, to] of [
      [0, 20],
      [20, 50],
    ] as const) {
      const encoder = createParquetEncoder(options, encoded);
      const buffer = createPartBuffer({ partBytes: 512 }, buffered);
      parts.push(...buffer.append(encoder.encode(records.slice(from, to))));
      encoded = encoder.save();
      buffered = buffer.save();
    }
    const buffer = createPartBuffer({ partBytes: 512 }, buffered);
    parts.push(...buffer.append(createParquetEncoder(options, encoded).finish()));
    const end = buffer.finish();
    const bytes = concat([...parts, end.part ?? new Uint8Array()]);
    expect(bytes).toEqual(encodeParquet());
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    expect(end.sha256).toBe([...digest].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
  });

  it("can be read back", async () => {
    expect(readLines(serializeRecords(records)).map(parseRecord)).toEqual(records);
    const rows = readLines(formatCsvHeader(options.groupKeys) + formatCsvRows(records, options.groupKeys));
    expect(rows).toHaveLength(51);
    expect(rows[1]).toMatch(/^'=face-0,/);
    expect(formatErrorLines(records, () => null, true)).toBe("");
    const read = await parquetReadObjects({ file: encodeParquet().buffer });
    expect(read.map((row) => [row["id"], row["p_happy"], row["theta_tx"], row["group_site"]])).toEqual(
      records.map((record) => [record.id, 0.5, -0.5, record.groups["site"]]),
    );
  });
});

it("folds and tests in workerd", () => {
  const summary = summarize(
    records.map((record) => parseRecord(serializeRecord(record))),
    { groupBy: ["site"] },
  );
  expect(summary.total.labels).toEqual([0, 0, 0, 17, 33, 0, 0]);
  expect(testShift(summary.total.labels, [0, 0, 0, 33, 17, 0, 0])?.p).toBeLessThan(0.01);
});
