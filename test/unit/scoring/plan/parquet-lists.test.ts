import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { type BasicType, parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, it } from "vitest";
import { planInputPage } from "../../../../src/scoring/plan/plan-page.ts";
import { fill, LIMIT, manifest, planAll, tightLimits } from "./input-fixtures.ts";

/** Lists of inputs as Parquet, as other programs write them. */

interface Column {
  readonly name: string;
  readonly data: unknown[];
  readonly type?: BasicType;
}

interface Writing {
  readonly rowGroupSize?: number;
  readonly codec?: "SNAPPY" | "UNCOMPRESSED" | "GZIP" | "ZSTD";
}

function write(columns: readonly Column[], { rowGroupSize = 4, codec = "SNAPPY" }: Writing = {}): Uint8Array {
  const compressors = { GZIP: (input: Uint8Array) => gzipSync(input), ZSTD: (input: Uint8Array) => input };
  const columnData = columns.map(({ name, data, type = "STRING" }) => ({ name, data, type }));
  return new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize, codec, compressors, pageSize: 40 }));
}

const row = fc.record({
  key: fc.constantFrom("a.jpg", "a b/c+d.jpg", "ü/ß.png", "x%20y.jpg", 'd,e"\n.jpg', "😀"),
  id: fc.option(fc.constantFrom("one", "two")),
  truth: fc.option(fc.constantFrom("Happy", "Sad")),
  site: fc.option(fc.constantFrom("north", "south")),
  year: fc.option(fc.constantFrom(2025n, 2026n)),
  size: fc.option(fc.nat(5000)),
});

const text = (name: string): Column => ({ name, data: ["a"] });

describe("a Parquet list", () => {
  it("names its rows in order, with ids, truths and groups, whatever a page and a row group hold", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom("SNAPPY" as const, "UNCOMPRESSED" as const, "GZIP" as const),
        tightLimits,
        async (rows, rowGroupSize, codec, tight) => {
          const file = write(
            [
              { name: "key", data: rows.map(({ key }) => key) },
              { name: "id", data: rows.map(({ id }) => id) },
              { name: "Truth", data: rows.map(({ truth }) => truth) },
              { name: "site", data: rows.map(({ site }) => site) },
              { name: "year", data: rows.map(({ year }) => year), type: "INT64" },
              { name: "size", data: rows.map(({ size }) => size), type: "INT32" },
              { name: "score", data: rows.map(() => 0.5), type: "DOUBLE" },
            ],
            { rowGroupSize, codec },
          );
          const { items, issues } = await planAll(await fill({ "list.parquet": file }), manifest("list.parquet"), {
            ...LIMIT,
            ...tight,
          });
          expect(issues).toEqual([]);
          expect(items.map(({ index, key, size, label, groups }) => ({ index, key, size, label, groups }))).toEqual(
            rows.map(({ key, truth, site, year, size }, index) => {
              const groups = { ...(site && { site }), ...(year && { year: String(year) }) };
              const named = Object.keys(groups).length > 0;
              return { index, key, size, label: truth ?? undefined, groups: named ? groups : undefined };
            }),
          );
          expect(items.filter((_, at) => rows[at]?.id).map(({ id }) => id)).toEqual(rows.flatMap(({ id }) => id ?? []));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("says which row is wrong, and goes on behind it", async () => {
    const columns = [
      { name: "key", data: ["a", "", "c"] },
      { name: "label", data: ["Happy", "Sad", "Bored"] },
    ];
    const { items, issues } = await planAll(await fill({ "l.parquet": write(columns) }), manifest("l.parquet"));
    expect(items.map(({ key }) => key)).toEqual(["a"]);
    expect(issues).toMatchObject([
      { path: "l.parquet.key", line: 2, code: "key_invalid" },
      { path: "l.parquet.label", line: 3, code: "label_unknown" },
    ]);
  });

  it.each<[string, readonly Column[], string]>([
    ["no key", [text("path")], 'no column is named "key"'],
    ["two columns of truth", [text("key"), text("truth"), text("label")], '"truth" and "label" mean the same'],
    ["keys that are no text", [{ name: "key", data: [1.5], type: "DOUBLE" }], 'the column "key" holds neither'],
    ["a wide table", "key,a,b,c,d,e,f,g,h,i".split(",").map(text), "9 columns would be groups, at most 8 may: a, b"],
  ])("with %s is a finding about the file", async (_name, columns, message) => {
    const { items, issues } = await planAll(await fill({ "l.parquet": write(columns) }), manifest("l.parquet"));
    expect(items).toEqual([]);
    expect(issues).toMatchObject([{ path: "l.parquet", code: "header_invalid" }]);
    expect(issues[0]?.message).toContain(message);
  });

  it("is refused where it is none, is compressed in another way, or is cut in too large pieces", async () => {
    const keys = [{ name: "key", data: Array.from({ length: 40 }, (_, at) => `key-${at}`) }];
    const whole = write(keys, { rowGroupSize: 40 });
    const wrong: readonly (readonly [Uint8Array | string, string, number?])[] = [
      ["", "l.parquet: it is too short for a Parquet file"],
      ["no Parquet at all, but text", "l.parquet: it cannot be read as Parquet: parquet file invalid"],
      [whole.slice(0, -9), "it cannot be read as Parquet"],
      [write(keys, { codec: "ZSTD" }), "column key is compressed by ZSTD: write it with SNAPPY or GZIP"],
      [whole, "the row group of row 1 has, in the columns that are read, ", 300],
    ];
    for (const [body, message, maxParquetBytes = LIMIT.maxParquetBytes] of wrong) {
      const store = await fill({ "l.parquet": body });
      const limits = { ...LIMIT, maxParquetBytes, windowBytes: 64 };
      await expect(planAll(store, manifest("l.parquet"), limits)).rejects.toThrow(message);
    }
  });

  it("is read or refused, whatever its footer and the head of its first page say", async () => {
    const data = Array.from({ length: 30 }, (_, at) => `key-${at}`);
    const whole = write([{ name: "key", data }], { codec: "UNCOMPRESSED", rowGroupSize: 30 });
    const footer = whole.length - 8 - new DataView(whole.buffer).getUint32(whole.length - 8, true);
    const places = [
      ...Array.from({ length: 10 }, (_, at) => 4 + at),
      ...Array.from({ length: whole.length - footer }, (_, at) => footer + at),
    ];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), fc.nat(255), async (at, byte) => {
        const body = Uint8Array.from(whole, (value, index) => (index === at ? byte : value));
        const planned = planInputPage(await fill({ "l.parquet": body }), manifest("l.parquet"), null, LIMIT);
        const outcome = await planned.catch((error: unknown) => error);
        expect(outcome).toSatisfy((value: { code?: string; items?: unknown }) => {
          return value.items !== undefined || value.code === "validation_failed";
        });
      }),
      { numRuns: 300 },
    );
  });

  it("that is replaced while it is read loses nothing silently", async () => {
    const store = await fill({ "l.parquet": write([{ name: "key", data: ["a", "b", "c"] }]) });
    const { cursor } = await planInputPage(store, manifest("l.parquet"), null, { ...LIMIT, maxItems: 1 });
    await store.put("l.parquet", write([{ name: "key", data: ["d"] }]));
    const rest = planInputPage(store, manifest("l.parquet"), cursor, LIMIT);
    await expect(rest).rejects.toMatchObject({ code: "manifest_lost" });
  });
});

describe("an S3 Inventory as Parquet", () => {
  it("names the newest versions of its files, with keys as they are", async () => {
    const keys = ["a b+c%20.jpg", "old.jpg", "gone.jpg", "folder/", "z.jpg"];
    const file = write([
      { name: "bucket", data: keys.map(() => "photos") },
      { name: "key", data: keys },
      { name: "is_latest", data: [true, false, true, true, true], type: "BOOLEAN" },
      { name: "is_delete_marker", data: [false, false, true, false, false], type: "BOOLEAN" },
      { name: "size", data: keys.map(() => 1234n), type: "INT64" },
      { name: "e_tag", data: keys.map(() => "d41d8cd9") },
      { name: "storage_class", data: keys.map(() => "STANDARD") },
    ]);
    const facts = { sourceBucket: "photos", fileFormat: "Parquet", fileSchema: "message s3.inventory {}" };
    const files = [{ key: "data/0.parquet" }, { key: "data/1.parquet" }];
    const store = await fill({
      "manifest.json": JSON.stringify({ ...facts, files }),
      "data/0.parquet": file,
      "data/1.parquet": file,
    });
    for (const maxItems of [1, 2, 100]) {
      const { items, issues } = await planAll(store, manifest("manifest.json"), { ...LIMIT, maxItems });
      expect(issues).toEqual([]);
      expect(items.map(({ key, size, etag, groups }) => [key, size, etag, groups])).toEqual(
        ["a b+c%20.jpg", "z.jpg", "a b+c%20.jpg", "z.jpg"].map((key) => [key, 1234, "d41d8cd9", undefined]),
      );
    }
  });
});
