import { SHIPPED_SHAPE } from "../../../../src/scoring/records/records.ts";
import { createHash } from "node:crypto";
import { stringify } from "csv-stringify/browser/esm/sync";
import * as fc from "fast-check";
import { parquetReadObjects } from "hyparquet";
import { describe, expect, it } from "vitest";
import { ScoringError } from "../../../../src/errors.ts";
import { formatErrorLines, serializeErrorLine } from "../../../../src/scoring/outputs/errors-jsonl.ts";
import { formatCsvHeader, formatCsvRows } from "../../../../src/scoring/outputs/labels-csv.ts";
import { parseRecord, serializeRecord, serializeRecords } from "../../../../src/scoring/records/record-line.ts";
import { chooseRowGroupRows, createParquetEncoder } from "../../../../src/scoring/outputs/labels-parquet.ts";
import { choosePartBytes, createPartBuffer, MIN_PART_BYTES } from "../../../../src/scoring/outputs/part-buffer.ts";
import { listRecordColumns } from "../../../../src/scoring/records/record-fields.ts";
import { createSha256 } from "../../../../src/scoring/sha256.ts";
import { LABEL_ENCODERS } from "../../../../src/scoring/outputs/label-encoders.ts";
import type { ScoreRecord } from "../../../../src/scoring/records/records.ts";
import { anyRecord, HOSTILE_TEXTS, makeRecords } from "../fold/aggregate-fixtures.ts";

const groupKeys = ["site", "__proto__"];
const options = { groupKeys, rowGroupRows: 7 };

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Quality `undefined` and `null` mean the same. */
const withQuality = (record: ScoreRecord): ScoreRecord => ({ ...record, quality: record.quality ?? null });

describe("labels.jsonl", () => {
  it("reads records of before probabilities had names, and writes them with names", () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const line = serializeRecord(record);
        const older = JSON.parse(line);
        if (record.probabilities !== null) older.probabilities = Object.values(older.probabilities);
        expect(serializeRecord(parseRecord(JSON.stringify(older)))).toBe(line);
      }),
    );
    const older = {
      ...JSON.parse(serializeRecord(makeRecords(50).find(({ status }) => status === "scored")!)),
      probabilities: [0.5, 0.5],
    };
    expect(() => parseRecord(older)).toThrow("probabilities: must be a list of 7");
  });

  it("reads back what it wrote, and writes the same line again", () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const line = serializeRecord(record);
        expect(line).not.toContain("\n");
        const read = parseRecord(line);
        expect(read).toEqual(withQuality(record));
        expect(serializeRecord(read)).toBe(line);
      }),
    );
  });

  it("rounds to 6 decimals, sorts groups and never writes -0", () => {
    const [record] = makeRecords(1);
    const line = serializeRecord({ ...record!, margin: 0.12345678, entropy: -1e-9, groups: { b: "2", a: "1" } });
    expect(line).toContain('"margin":0.123457,"entropy":0,');
    expect(line).toContain('"groups":{"a":"1","b":"2"}');
  });

  it("refuses what is not a record, naming the field", () => {
    const good = parseRecord(serializeRecord(makeRecords(50).find(({ status }) => status === "scored")!));
    const wrong: [string, unknown][] = [
      ["status", "done"],
      ["label", "Bored"],
      ["probabilities", [1, 2]],
      ["probabilities", { Angry: "much" }],
      ["pipeline", 4],
      ["groups", { a: 1 }],
      ["error", { code: "nope", message: "" }],
      ["face", { box: { x: "1" } }],
      ["id", null],
    ];
    for (const [field, value] of wrong) {
      expect(() => parseRecord({ ...good, [field]: value })).toThrow(new RegExp(field));
    }
    expect(() => parseRecord("{")).toThrow(ScoringError);
    expect(() =>
      serializeRecord({ ...makeRecords(50).find(({ status }) => status === "scored")!, margin: Number.NaN }),
    ).toThrow(ScoringError);
  });
});

describe("labels.csv", () => {
  it("is what the library makes of whole rows, whatever the cells hold", () => {
    const hostile = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: fc.constantFrom("a", "é", " ", "-", "=", "/", "\u3000", "\uff1d", ";", "9"), maxLength: 5 }),
      fc.constantFrom("", "-", "=1", "a;b", "a,b", 'a"b', " a", "a ", "a\n", "é", "00", "1e5", "x@y", "@x", "a\tb"),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(anyRecord, hostile, hostile), { maxLength: 5 }), (rows) => {
        const records = rows.map(([record, id, site]) => ({ ...record, id, groups: { site } }));
        const columns = listRecordColumns(["site"]);
        const expected = stringify(
          records.map((record) => columns.map((column) => column.read(record))),
          { escape_formulas: true, quoted_match: [/[;\t]/, /^\s|\s$/] },
        );
        expect(formatCsvRows(records, ["site"])).toBe(expected);
      }),
    );
  });

  it("neutralizes every cell that a spreadsheet would run, and leaves numbers alone", () => {
    const [record] = makeRecords(40).filter(({ status }) => status === "scored");
    for (const hostile of HOSTILE_TEXTS) {
      const csv = formatCsvRows([{ ...record!, id: hostile, groups: { site: hostile } }], groupKeys);
      // Any cell start: at the beginning, or after a comma, with or without its quote.
      expect(csv).not.toMatch(/(^|,)"?[=+@\t\r]/);
      expect(csv).not.toMatch(/(^|,)"?-[^\d]/);
    }
    const negative = { ...record!, face: { ...record!.face!, theta: [-0.5, 0, 0, 0, 1, 0] } };
    expect(formatCsvRows([negative], [])).toContain(",-0.5,0,");
    expect(formatCsvHeader(["=x"])).toContain("group_=x");
  });

  it("has as many cells in each row as its header has names", () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 5 }), (list) => {
        const names = listRecordColumns(groupKeys).map(({ name }) => name);
        const rows = parseCsv(formatCsvHeader(groupKeys) + formatCsvRows(list, groupKeys));
        expect(rows[0]).toEqual(names);
        expect(rows.length).toBe(list.length + 1);
        for (const row of rows) expect(row.length).toBe(names.length);
      }),
    );
  });
});

/** RFC 4180, by the book: the second opinion on the writer. */
function parseCsv(csv: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  while (at < csv.length) {
    let cell = "";
    if (csv[at] === '"') {
      for (at += 1; csv[at] !== '"' || csv[at + 1] === '"'; at += 1) {
        if (csv[at] === '"') at += 1;
        cell += csv[at];
      }
      at += 1;
    } else {
      while (csv[at] !== "," && csv[at] !== "\n") cell += csv[at++];
    }
    row.push(cell);
    if (csv[at] === "\n") {
      rows.push(row);
      row = [];
    }
    at += 1;
  }
  return rows;
}

describe("errors.jsonl", () => {
  it("is a manifest: identity, etag, range and truth of each input that went wrong", () => {
    const [record] = makeRecords(400).filter(({ error }) => error?.code === "image_corrupt");
    const item = {
      index: 3,
      id: "mine",
      key: record!.key,
      size: 9,
      etag: "e1",
      versionId: "v7",
      range: { offset: 512, length: 100 },
      label: "Sad",
    } as const;
    expect(JSON.parse(serializeErrorLine(record!, item))).toMatchObject({
      key: record!.key,
      id: "mine",
      etag: "e1",
      versionId: "v7",
      range: { offset: 512, length: 100 },
      label: "Sad",
      error: { code: "image_corrupt" },
    });
  });

  it("holds no whole object to the version that failed, and each range to its own", () => {
    for (const code of ["object_changed", "image_corrupt"]) {
      const [record] = makeRecords(400).filter(({ error }) => error?.code === code);
      const item = { index: 0, id: "a", key: record!.key, size: 9, etag: "e1" };
      expect(record!.etag).not.toBeNull();
      expect(JSON.parse(serializeErrorLine(record!, item))).not.toHaveProperty("etag");
      const row = { ...item, range: { offset: 512, length: 9 } };
      expect(JSON.parse(serializeErrorLine(record!, row))).toMatchObject({ etag: "e1", range: { offset: 512 } });
    }
  });
});

describe("merged outputs", () => {
  it("give the same bytes however they are cut into chunks and invocations", () => {
    fc.assert(
      fc.property(
        fc.array(anyRecord, { maxLength: 40, size: "max" }),
        fc.array(fc.nat(), { minLength: 1, maxLength: 6 }),
        (list, cuts) => {
          const inner = cuts.map((cut) => cut % (list.length + 1)).sort((a, b) => a - b);
          const edges = [0, ...inner, list.length];
          const pieces = edges.slice(1).map((to, at) => list.slice(edges[at], to));
          const writers = [(part: readonly ScoreRecord[]) => formatErrorLines(part, () => null, true)];
          for (const encoder of Object.values(LABEL_ENCODERS)) {
            if (encoder.kind === "rows") writers.push((part) => encoder.rows(part, groupKeys, SHIPPED_SHAPE));
          }
          for (const write of writers) expect(pieces.map(write).join("")).toBe(write(list));
          expect(writers.length).toBe(3);
          const whole = createParquetEncoder(options);
          const expected = concat([whole.encode(list), whole.finish()]);
          const parts: Uint8Array[] = [];
          let state: Uint8Array | undefined;
          for (const piece of pieces) {
            const encoder = createParquetEncoder(options, state);
            parts.push(encoder.encode(piece));
            state = encoder.save();
          }
          parts.push(createParquetEncoder(options, state).finish());
          expect(sha256(concat(parts))).toBe(sha256(expected));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("write Parquet that another reader reads, value for value", async () => {
    const list = makeRecords(100, { seed: 3 });
    const encoder = createParquetEncoder({ groupKeys: ["site"], rowGroupRows: 32 });
    const bytes = concat([encoder.encode(list), encoder.finish()]);
    const rows = await parquetReadObjects({ file: bytes.buffer });
    const columns = listRecordColumns(["site"]);
    expect(rows.length).toBe(100);
    for (const [index, record] of list.entries()) {
      const cells = Object.fromEntries(columns.map((column) => [column.name, column.read(record)]));
      expect(rows[index]).toEqual(cells);
    }
  });

  it("refuse a state of other options", () => {
    const encoder = createParquetEncoder(options);
    encoder.encode(makeRecords(3));
    const state = encoder.save();
    expect(() => createParquetEncoder({ ...options, rowGroupRows: 8 }, state)).toThrow(ScoringError);
    expect(() => createParquetEncoder({ ...options, groupKeys: [] }, state)).toThrow(ScoringError);
    expect(() => createParquetEncoder(options, new Uint8Array(4))).toThrow(ScoringError);
  });

  it("size row groups by the number of rows", () => {
    const limits = { minRows: 8192, maxRows: 16_384, targetGroups: 1000 };
    expect([1, 10_000_000, 100_000_000].map((rows) => chooseRowGroupRows(rows, limits))).toEqual([
      8192, 10_000, 16_384,
    ]);
  });
});

describe("SHA-256", () => {
  it("agrees with Web Crypto, cut and saved anywhere", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 400 }),
        fc.array(fc.nat({ max: 400 }), { maxLength: 4 }),
        async (bytes, cuts) => {
          const expected = Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex");
          let hash = createSha256();
          let from = 0;
          for (const cut of [...cuts.sort((a, b) => a - b), bytes.length]) {
            const to = Math.min(cut, bytes.length);
            hash.update(bytes.subarray(from, to));
            from = to;
            hash = createSha256(JSON.parse(JSON.stringify(hash.save())));
          }
          expect(hash.digestHex()).toBe(expected);
          // A digest does not end the hash.
          expect(hash.digestHex()).toBe(expected);
        },
      ),
    );
  });

  it("goes on from the state that the first release saved", () => {
    // 67 bytes, 0 to 66: one whole block and three bytes.
    const words = [4237927135, 2297703034, 2075775360, 869123746, 39220575, 2640026192, 1151978545, 1522435239];
    const hash = createSha256({ words, bytes: 67, tail: [64, 65, 66] });
    expect(hash.save()).toEqual({ words, bytes: 67, tail: [64, 65, 66] });
    hash.update(Uint8Array.from({ length: 33 }, (_, i) => 67 + i));
    expect(hash.digestHex()).toBe(sha256(Uint8Array.from({ length: 100 }, (_, i) => i)));
  });

  it("refuses what is not a saved state", () => {
    expect(() => createSha256({ words: [1], bytes: 0, tail: [] })).toThrow("not a saved SHA-256 state");
    expect(() => createSha256({ words: Array.from({ length: 8 }, () => 1), bytes: 3, tail: [] })).toThrow(
      "not a saved SHA-256 state",
    );
  });

  it("hashes a million times «a» (FIPS 180-2, B.3)", () => {
    const hash = createSha256();
    hash.update(new Uint8Array(1_000_000).fill(0x61));
    expect(hash.digestHex()).toBe("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  });
});

describe("part buffer", () => {
  it("gives equal parts whose concatenation and hash are the stream's", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 }),
        fc.integer({ min: 1, max: 40 }),
        fc.nat({ max: 20 }),
        (pieces, partBytes, savedAt) => {
          let buffer = createPartBuffer({ partBytes });
          const parts: Uint8Array[] = [];
          for (const [index, piece] of pieces.entries()) {
            parts.push(...buffer.append(piece));
            if (index === savedAt) buffer = createPartBuffer({ partBytes }, buffer.save());
          }
          const stream = concat(pieces);
          for (const part of parts) expect(part.length).toBe(partBytes);
          expect(buffer.parts).toBe(parts.length);
          const end = buffer.finish();
          expect(end).toMatchObject({ partsBefore: parts.length, bytes: stream.length, sha256: sha256(stream) });
          expect(Buffer.from(concat(end.part === null ? parts : [...parts, end.part]))).toEqual(Buffer.from(stream));
        },
      ),
    );
  });

  it("chooses parts that fit the upload", () => {
    const limits = { maxParts: 9000, maxPartBytes: 32 * 2 ** 20 };
    expect(choosePartBytes(1000, limits)).toBe(MIN_PART_BYTES);
    const large = choosePartBytes(100e9, limits);
    expect(Math.ceil(100e9 / large)).toBeLessThanOrEqual(9000);
    expect(() => choosePartBytes(1e12, limits)).toThrow(ScoringError);
    expect(() => createPartBuffer({ partBytes: 6 }, createPartBuffer({ partBytes: 5 }).save())).toThrow(ScoringError);
  });
});

it("lines end with newlines", () => {
  expect(serializeRecords(makeRecords(2)).split("\n").length).toBe(3);
  expect(serializeRecords([])).toBe("");
});
