import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, it } from "vitest";
import type { Issue } from "../../../../src/errors.ts";
import type { InputSpec } from "../../../../src/scoring/manifest/input-spec.ts";
import { LIMITS } from "../../../../src/scoring/limits.ts";
import type { PlanLimits } from "../../../../src/scoring/plan/input-page.ts";
import { findKeyRanges } from "../../../../src/scoring/plan/key-ranges.ts";
import { planInputPage } from "../../../../src/scoring/plan/plan-page.ts";
import { placeIssues } from "../../../../src/scoring/plan/range-listing.ts";
import { splitInput } from "../../../../src/scoring/plan/split-input.ts";
import type { InputItem } from "../../../../src/scoring/records/input-item.ts";
import { compareKeys } from "../../../../src/storage/key-rules.ts";
import { createMemoryStore } from "../../../../src/storage/memory-store.ts";
import type { ObjectStore } from "../../../../src/storage/object-store.ts";
import { fill, image, LIMIT, manifest, packShard, planAll } from "./input-fixtures.ts";

/** However an input is cut into ranges, they give together what it gives as a whole. */

const SCAN = { ...LIMITS.scan, probeKeys: 3, keysPerRange: 4, listBytes: 40, containerListBytes: 10 };

/** A first page, and what is left in ranges. */
async function planInRanges(store: ObjectStore, input: InputSpec, limits: PlanLimits, ranges: number) {
  const first = await planInputPage(store, input, null, { ...limits, maxItems: 2 });
  const items: InputItem[] = [...first.items];
  const issues: Issue[] = [...first.issues];
  const scan = { ...SCAN, ranges };
  const given = { plan: limits, scan };
  const cut = first.cursor === null ? [] : await splitInput({ store, listStore: store }, input, first.cursor, given);
  let endLine: number | null = null;
  for (const start of cut) {
    const base = items.length;
    const lines: number = endLine === null ? 0 : endLine - 2;
    for (let cursor: string | null = start; cursor !== null;) {
      const page = await planInputPage(store, input, cursor, limits);
      items.push(...page.items.map((item) => ({ ...item, index: base + item.index })));
      issues.push(...placeIssues(page.issues, lines));
      if (page.endLine !== undefined) endLine = page.endLine + lines;
      ({ cursor } = page);
    }
  }
  return { items, issues, ranges: cut.length };
}

const tight = fc.record({
  maxItems: fc.integer({ min: 1, max: 9 }),
  windowBytes: fc.constantFrom(512, 700, 65_536),
  ranges: fc.integer({ min: 2, max: 12 }),
});

async function expectSameInRanges(store: ObjectStore, input: InputSpec): Promise<void> {
  const base = { ...LIMIT, maxLineBytes: 200 };
  const { items, issues } = await planAll(store, input, base);
  await fc.assert(
    fc.asyncProperty(tight, async ({ ranges, ...limits }) => {
      const cut = await planInRanges(store, input, { ...base, ...limits }, ranges);
      expect(cut.ranges).toBeGreaterThan(1);
      expect(cut.items).toEqual(items);
      expect(cut.issues).toEqual(issues);
    }),
    { numRuns: 30 },
  );
}

describe("the keys of a prefix, cut where they branch", () => {
  it("are all there once, in order, whatever they are", async () => {
    const part = fc.constantFrom("a", "b", "é", "～", "😀", "0", "/", "-", "\u{10ffff}", "aa");
    const keys = fc.uniqueArray(
      fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => `p/${parts.join("")}`),
      { minLength: 1, maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(keys, fc.integer({ min: 1, max: 25 }), fc.nat(60), async (all, probes, from) => {
        const store = await fill(Object.fromEntries([...all, "o", "q"].map((key) => [key, "x"])));
        const sorted = all.toSorted(compareKeys);
        const after = sorted[from] ?? null;
        const ends = await findKeyRanges(store, "p/", after, { ...SCAN, ranges: 9, probes });
        expect(ends).toEqual(ends.toSorted(compareKeys));
        expect(new Set(ends).size).toBe(ends.length);
        expect(ends.every((end) => after === null || compareKeys(end, after) > 0)).toBe(true);
      }),
    );
  });

  it("are cut into ranges of like size: dates, hashes and numbers alike", async () => {
    const shapes: Readonly<Record<string, (at: number) => string>> = {
      dates: (at) => `p/2026/${String(1 + (at % 12)).padStart(2, "0")}/${String(at).padStart(6, "0")}.jpg`,
      hashes: (at) => `p/${((at * 2_654_435_761) % 4_294_967_296).toString(16).padStart(8, "0")}`,
      numbers: (at) => `p/${String(at).padStart(9, "0")}.jpg`,
    };
    for (const [name, make] of Object.entries(shapes)) {
      const store = createMemoryStore();
      const keys = Array.from({ length: 3000 }, (_, at) => make(at)).toSorted(compareKeys);
      for (const key of keys) await store.put(key, "x");
      const limits = { ranges: 60, probes: 400, probeKeys: 20, keysPerRange: 60 };
      const ends = await findKeyRanges(store, "p/", null, limits);
      const counts = [...ends, null].map((end, at) => {
        const start = ends[at - 1];
        const isIn = (key: string): boolean => {
          return (start === undefined || compareKeys(key, start) > 0) && (end === null || compareKeys(key, end) <= 0);
        };
        return keys.filter(isIn).length;
      });
      expect([name, counts.length > 9, Math.max(...counts) <= 300]).toEqual([name, true, true]);
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(3000);
    }
  });

  it("are left whole where a store lists from its beginning only", async () => {
    const store = await fill({ "p/a": "1", "p/b": "2", "p/c": "3" });
    const slow = { ...store, capabilities: { versions: false } };
    const { cursor } = await planInputPage(slow, image("p/"), null, { ...LIMIT, maxItems: 1 });
    expect(
      await splitInput({ store: slow, listStore: slow }, image("p/"), cursor!, { plan: LIMIT, scan: SCAN }),
    ).toEqual([]);
  });
});

/** A data file of an inventory. */
const packRows = (name: string): Uint8Array =>
  gzipSync(Array.from({ length: 7 }, (_, at) => `"faces","${name}${at}"\n`).join(""));

describe("in ranges, an input gives the same", () => {
  it("of pictures under a prefix", async () => {
    expect.hasAssertions();
    const names = Array.from({ length: 40 }, (_, at) => [`p/${at % 7 === 0 ? "😀" : "é"}${at}`, "x"]);
    await expectSameInRanges(await fill(Object.fromEntries(names)), image("p/"));
  });

  it("of shards under a prefix, also where the first page ends within one", async () => {
    expect.hasAssertions();
    const shard = await packShard(5);
    const names = Array.from({ length: 8 }, (_, at) => [`p/${at}.tar`, shard]);
    const store = await fill({ ...Object.fromEntries(names), "p/index.json": "{}" });
    await expectSameInRanges(store, { kind: "prefix", format: "tar", prefix: "p/" });
  });

  it("of shards that are named one by one", async () => {
    expect.hasAssertions();
    const shard = await packShard(3);
    const keys = Array.from({ length: 6 }, (_, at) => `${at}.tar`);
    const store = await fill(Object.fromEntries(keys.map((key) => [key, shard])));
    await expectSameInRanges(store, { kind: "objects", format: "tar", objects: keys.map((key) => ({ key })) });
  });

  it("of a list, with the lines of what is wrong in it, whatever its line ends", async () => {
    expect.hasAssertions();
    for (const lineEnd of ["\n", "\r\n", "\r"]) {
      const lines = Array.from({ length: 60 }, (_, at) => {
        if (at % 17 === 5) return "no JSON";
        if (at % 23 === 7) return JSON.stringify({ key: "x".repeat(900) });
        return at % 11 === 3 ? "" : JSON.stringify({ key: `é${"x".repeat(at % 20)}${at}` });
      });
      const store = await fill({ "list.jsonl": lines.join(lineEnd) });
      await expectSameInRanges(store, manifest("list.jsonl"));
    }
  });

  it("of a list with columns, and one of shards", async () => {
    expect.hasAssertions();
    const rows = Array.from({ length: 50 }, (_, at) => `k${at},site ${at % 3}`);
    await expectSameInRanges(await fill({ "list.csv": `key,site\n${rows.join("\n")}\n` }), manifest("list.csv"));
    const shard = await packShard(4);
    const keys = Array.from({ length: 6 }, (_, at) => `${at}.tar`);
    const store = await fill({
      ...Object.fromEntries(keys.map((key) => [key, shard])),
      list: `key\n${keys.join("\n")}`,
    });
    await expectSameInRanges(store, manifest("list", "tar"));
  });

  it("of an inventory, file by file", async () => {
    expect.hasAssertions();
    const files = ["a", "b", "c"].map((name) => ({ key: `${name}.csv.gz` }));
    const facts = { sourceBucket: "faces", fileFormat: "CSV", fileSchema: "Bucket, Key", files };
    const store = await fill({
      "i/manifest.json": JSON.stringify(facts),
      ...Object.fromEntries(files.map(({ key }) => [key, packRows(key)])),
    });
    await expectSameInRanges(store, manifest("i/manifest.json"));
  });

  it("of a Parquet list, between its row groups", async () => {
    expect.hasAssertions();
    const data = Array.from({ length: 50 }, (_, at) => (at % 13 === 4 ? "" : `key-${at}`));
    const file = new Uint8Array(
      parquetWriteBuffer({ columnData: [{ name: "key", data, type: "STRING" }], rowGroupSize: 7 }),
    );
    await expectSameInRanges(await fill({ "list.parquet": file }), manifest("list.parquet"));
  });

  it("or in none, where a list is compressed", async () => {
    const lines = Array.from({ length: 90 }, (_, at) => JSON.stringify({ key: `k${at}` }));
    const store = await fill({ "list.jsonl.gz": gzipSync(lines.join("\n")) });
    expect((await planInRanges(store, manifest("list.jsonl.gz"), LIMIT, 9)).ranges).toBe(0);
  });
});
