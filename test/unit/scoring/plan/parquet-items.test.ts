import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { type ColumnSource, parquetWriteBuffer, type SchemaElement } from "hyparquet-writer";
import { describe, expect, it } from "vitest";
import { createItemReader, listReads } from "../../../../src/scoring/inputs/item-reader.ts";
import { readItem } from "../../../../src/scoring/inputs/read-item.ts";
import { LIMITS } from "../../../../src/scoring/limits.ts";
import type { InputSpec } from "../../../../src/scoring/manifest/input-spec.ts";
import { serializeErrorLine } from "../../../../src/scoring/outputs/errors-jsonl.ts";
import { planInputPage } from "../../../../src/scoring/plan/plan-page.ts";
import { compareItems } from "../../../../src/scoring/prior/prior-join.ts";
import { type InputItem, inputItemSchema } from "../../../../src/scoring/records/input-item.ts";
import { serializeItem } from "../../../../src/scoring/inputs/frozen-line.ts";
import { makePlainRecord } from "../../../../src/scoring/chunk/score-record.ts";
import type { ObjectStore } from "../../../../src/storage/object-store.ts";
import { fill, LIMIT, manifest, planAll, tightLimits } from "./input-fixtures.ts";

/** Parquet files with a column of pictures: read as other programs write them, page by page. */

const golden = new URL("../../../golden/", import.meta.url);
const read = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, golden)));

function named(key: string): InputSpec {
  return { kind: "objects", format: "parquet", objects: [{ key, id: "set" }] };
}

/** Bounds of reading, and each item's bytes by both readers: with its neighbors and alone. */
async function readAll(store: ObjectStore, items: readonly InputItem[]): Promise<readonly (Uint8Array | string)[]> {
  const bounds = { maxBytes: LIMITS.maxImageBytes, maxRunBytes: LIMITS.maxRunBytes, maxGapBytes: LIMITS.maxGapBytes };
  const together = createItemReader(store, items, bounds);
  const all: (Uint8Array | string)[] = [];
  for (const item of items) {
    const found = await together(item);
    expect(await readItem(store, item, bounds)).toEqual(found);
    all.push(found.kind === "bytes" ? found.bytes : found.kind);
  }
  return all;
}

describe("a Parquet file of pictures", () => {
  const names = ["grey-48x48.png", "palette.png", "rgb-47x49.png", "lossy.webp", "grey-47x49.png", "rgb-48x48.png"];

  it.each(["plain", "snappy", "second"])(
    "as DuckDB writes it (%s) has each picture, its path and its label",
    async (name) => {
      const store = await fill({ "a.parquet": read(`parquet/${name}.parquet`) });
      const { items, issues } = await planAll(store, named("a.parquet"));
      expect(issues).toEqual([]);
      expect(items.map(({ id, label }) => [id, label])).toEqual(
        Array.from({ length: 9 }, (_, row) => {
          const hasPath = row !== 4 && row % 5 !== 3;
          const path = hasPath ? `train/${row}-${names[row % 6]}` : String(row);
          return [`set/${path}`, row === 7 ? undefined : ["Sad", "Happy", "Neutral"][row % 3]];
        }),
      );
      const bytes = await readAll(store, items);
      expect(bytes).toEqual(
        names
          .concat(names)
          .slice(0, 9)
          .map((one, row) => (row === 4 ? "empty" : read(`images/${one}`))),
      );
      const bounds = { maxBytes: 1e6, maxRunBytes: LIMITS.maxRunBytes, maxGapBytes: LIMITS.maxGapBytes };
      expect(listReads(items, bounds)).toHaveLength(1);
    },
  );

  it("names the same inputs however it is cut into pages, row groups and steps", async () => {
    const picture = fc.option(
      fc.record({ bytes: fc.option(fc.uint8Array({ maxLength: 90 })), path: fc.option(fc.string()) }),
    );
    const row = fc.record({ image: picture, label: fc.option(fc.nat(6)) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 24 }),
        fc.record({ rowGroupSize: fc.integer({ min: 1, max: 9 }), pageSize: fc.constantFrom(40, 200, 1e6) }),
        fc.constantFrom("SNAPPY" as const, "UNCOMPRESSED" as const),
        fc.record({ repeats: fc.boolean(), isFlat: fc.boolean() }),
        tightLimits,
        async (rows, cut, codec, { repeats, isFlat }, tight) => {
          const held = repeats ? rows.flatMap((one) => [one, one, one]) : rows;
          const store = await fill({ "a.parquet": write(held, { ...cut, codec }, isFlat) });
          const { items, issues } = await planAll(store, named("a.parquet"), { ...LIMIT, ...tight });
          expect(issues).toEqual([]);
          expect(items.map(({ index, label }) => [index, label])).toEqual(
            held.map(({ label }, at) => [at, label === null ? undefined : LABEL_ORDER[label]]),
          );
          const bytes = await readAll(store, items);
          expect(bytes).toEqual(held.map(({ image }) => (image?.bytes?.length ? image.bytes : "empty")));
          expect(items.toSorted(compareItems)).toEqual(items);
          for (const item of items) expect(inputItemSchema.parse(JSON.parse(serializeItem(item)))).toEqual(item);
        },
      ),
      { numRuns: 80 },
    );
  });

  it("is read again from what failed of it", async () => {
    const store = await fill({ "a.parquet": read("parquet/snappy.parquet") });
    const { items } = await planAll(store, named("a.parquet"));
    const stamp = { model: "m@1", pipeline: 1 } as const;
    const lines = items.map((item) => {
      const record = makePlainRecord(item, stamp, "failed", { code: "image_corrupt", message: "x" });
      return `${serializeErrorLine(record, item)}\n`;
    });
    await store.put("errors.jsonl", lines.join(""));
    const again = await planAll(store, manifest("errors.jsonl", "parquet"));
    expect(again.issues).toEqual([]);
    expect(await readAll(store, again.items)).toEqual(await readAll(store, items));
  });

  it("is a finding where it has no pictures, or cannot be read page by page", async () => {
    const one = [{ image: { bytes: new Uint8Array(3000), path: "a" }, label: 9 }];
    const flat = { columnData: [{ name: "text", data: ["a"], type: "STRING" as const }] };
    const wrong: readonly (readonly [Uint8Array, string, object?])[] = [
      [new Uint8Array(parquetWriteBuffer(flat)), 'no column holds pictures; its columns are "text"'],
      [write(one, { codec: "GZIP" }), "column image.bytes is compressed by GZIP"],
      [write(one, { codec: "UNCOMPRESSED" }), "is too large, at most 2000 may be", { maxPicturePageBytes: 2000 }],
      [write(one, { codec: "SNAPPY" }), "9 is not a label"],
      [new Uint8Array(40), "it cannot be read as Parquet"],
    ];
    for (const [file, message, limits = {}] of wrong) {
      const { issues } = await planAll(await fill({ "a.parquet": file }), named("a.parquet"), { ...LIMIT, ...limits });
      expect(issues.map((issue) => issue.message).join()).toContain(message);
    }
  });

  it("whose row group has more rows than its pages is a finding, not read without end", async () => {
    const rows = Array.from({ length: 5 }, (_, at) => ({
      image: { bytes: Uint8Array.of(at), path: null },
      label: null,
    }));
    const file = write(rows, { codec: "UNCOMPRESSED" }, true);
    // The counts of rows and values in the footer, as zigzag numbers: five becomes six.
    const footer = file.length - 8 - new DataView(file.buffer).getUint32(file.length - 8, true);
    const forged = file.map((byte, at) => (at >= footer && byte === 10 ? 12 : byte));
    const { items, issues } = await planAll(await fill({ "a.parquet": forged }), named("a.parquet"));
    expect([items, issues.map(({ message }) => message)]).toEqual([[], [expect.stringContaining("not as many rows")]]);
  });

  it("whose frozen place was changed gives no other bytes", async () => {
    const store = await fill({ "a.parquet": read("parquet/snappy.parquet") });
    const { items } = await planAll(store, named("a.parquet"));
    const [item] = items;
    const page = item!.page!;
    for (const change of [
      { bytes: page.bytes - 1 },
      { bytes: 1e12 },
      { offset: page.bytes },
      { codec: "none" as const },
    ]) {
      const forged = { ...item!, page: { ...page, ...change } };
      expect(await readItem(store, forged, { maxBytes: 1e6 })).toEqual({ kind: "changed" });
    }
  });

  it("is read, or a finding, whatever a few of its bytes are", async () => {
    const files = ["plain", "snappy", "second"].map((name) => read(`parquet/${name}.parquet`));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...files),
        fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean(), fc.nat(255)), {
          minLength: 1,
          maxLength: 5,
        }),
        async (whole, changes) => {
          const body = whole.slice();
          // Half of them where the small columns and the footer lie.
          for (const [share, isLate, byte] of changes) {
            const at = isLate ? body.length - 1 - Math.floor(share * 1900) : Math.floor(share * (body.length - 1));
            body[at] = byte;
          }
          const began = performance.now();
          const page = await planInputPage(await fill({ "a.parquet": body }), named("a.parquet"), null, LIMIT);
          expect(page.items.length).toBeLessThanOrEqual(1000);
          expect(performance.now() - began).toBeLessThan(5000);
        },
      ),
      { numRuns: 400 },
    );
  });
});

const LABEL_ORDER = ["Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral"];

interface Row {
  readonly image: { readonly bytes: Uint8Array | null; readonly path: string | null } | null;
  readonly label: number | null;
}

function write(
  rows: readonly Row[],
  options: { rowGroupSize?: number; pageSize?: number; codec: "SNAPPY" | "UNCOMPRESSED" | "GZIP" },
  isFlat = false,
): Uint8Array {
  // The writer cuts only columns that are no groups into several pages.
  if (isFlat) {
    const columns: ColumnSource[] = [
      { name: "image", data: rows.map(({ image }) => image?.bytes ?? null), type: "BYTE_ARRAY" },
      { name: "label", data: rows.map(({ label }) => label), type: "INT32" },
    ];
    return new Uint8Array(parquetWriteBuffer({ columnData: columns, ...options }));
  }
  const schema: SchemaElement[] = [
    { name: "root", num_children: 2 },
    { name: "image", repetition_type: "OPTIONAL", num_children: 2 },
    { name: "bytes", repetition_type: "OPTIONAL", type: "BYTE_ARRAY" },
    { name: "path", repetition_type: "OPTIONAL", type: "BYTE_ARRAY", converted_type: "UTF8" },
    { name: "label", repetition_type: "OPTIONAL", type: "INT32" },
  ];
  const columnData: ColumnSource[] = [
    { name: "image", data: rows.map(({ image }) => image) },
    { name: "label", data: rows.map(({ label }) => label) },
  ];
  const compressors = { GZIP: (input: Uint8Array) => gzipSync(input) };
  return new Uint8Array(parquetWriteBuffer({ columnData, schema, compressors, ...options }));
}
