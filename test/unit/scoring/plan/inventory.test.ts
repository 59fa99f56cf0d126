import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../../src/scoring/limits.ts";
import { planInputPage } from "../../../../src/scoring/plan/plan-page.ts";
import type { InputItem } from "../../../../src/scoring/records/input-item.ts";
import { createMemoryStore } from "../../../../src/storage/memory-store.ts";
import type { ObjectStore } from "../../../../src/storage/object-store.ts";

/** S3 Inventory as AWS writes it: manifest.json, and CSV files by gzip without a header. */

const SCHEMA = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, StorageClass";
const KEY = "inventory/faces/daily/2026-11-29T01-00Z/manifest.json";

interface Row {
  readonly key: string;
  readonly latest?: boolean;
  readonly marker?: boolean;
}

/** A row as AWS documents it: every field quoted, the key URL-encoded. */
function writeRow({ key, latest = true, marker = false }: Row): string {
  const encoded = encodeURIComponent(key).replaceAll("%2F", "/").replaceAll("%20", "+");
  const cells = ["photos", encoded, "3/L4kqt", String(latest), String(marker), "1234", "2026-11-29T00:00:00.000Z"];
  return [...cells, "d41d8cd98f00b204e9800998ecf8427e", "STANDARD"].map((cell) => `"${cell}"`).join(",");
}

async function writeInventory(files: readonly (readonly Row[])[], changes = {}): Promise<ObjectStore> {
  const store = createMemoryStore();
  const names = files.map((_, at) => ({ key: `inventory/faces/data/${at}.csv.gz`, size: 1, MD5checksum: "0" }));
  for (const [at, rows] of files.entries()) {
    await store.put(names[at]!.key, gzipSync(rows.map((row) => `${writeRow(row)}\n`).join("")));
  }
  const manifest = {
    sourceBucket: "photos",
    version: "2016-11-30",
    fileFormat: "CSV",
    fileSchema: SCHEMA,
    files: names,
  };
  await store.put(KEY, JSON.stringify({ ...manifest, ...changes }));
  return store;
}

async function planAll(store: ObjectStore, maxItems: number): Promise<readonly InputItem[]> {
  const items: InputItem[] = [];
  let cursor: string | null = null;
  do {
    const input = { kind: "manifest", format: "image", key: KEY } as const;
    const page = await planInputPage(store, input, cursor, { ...LIMITS.plan, maxItems });
    expect(page.issues).toEqual([]);
    items.push(...page.items);
    ({ cursor } = page);
  } while (cursor !== null);
  return items;
}

describe("an S3 Inventory as the list of inputs", () => {
  it("names every newest version once, in the order of its files, whatever a page holds", async () => {
    const row = fc.record({
      key: fc.constantFrom("a.jpg", "a b/c+d.jpg", "ü/ß.png", "folder/", "x%20y.jpg", 'd,e".jpg'),
      latest: fc.boolean(),
      marker: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(row, { maxLength: 7 }), { maxLength: 4 }),
        fc.integer({ min: 1, max: 9 }),
        async (files, maxItems) => {
          const store = await writeInventory(files);
          const expected = files.flat().filter(({ key, latest, marker }) => latest && !marker && !key.endsWith("/"));
          const items = await planAll(store, maxItems);
          expect(items.map(({ key }) => key)).toEqual(expected.map(({ key }) => key));
          expect(items.map(({ index }) => index)).toEqual(expected.map((_, at) => at));
          const facts = { size: 1234, etag: "d41d8cd98f00b204e9800998ecf8427e" };
          for (const item of items) expect(item).toMatchObject(facts);
          expect(items.filter(({ groups }) => groups !== undefined)).toEqual([]);
        },
      ),
      { numRuns: 80 },
    );
  });

  it.each([
    [{ fileFormat: "ORC" }, "fileFormat is ORC: only CSV and Parquet are read"],
    [{ fileSchema: "Bucket, Size" }, "fileSchema has no column Key"],
    [{ files: undefined }, "is not an S3 Inventory: files"],
  ])("%j is refused: %s", async (changes, message) => {
    const store = await writeInventory([[{ key: "a.jpg" }]], changes);
    await expect(planAll(store, 5)).rejects.toThrow(message);
  });

  it("that is replaced while it is read loses nothing silently", async () => {
    const store = await writeInventory([[{ key: "a.jpg" }, { key: "b.jpg" }]]);
    const input = { kind: "manifest", format: "image", key: KEY } as const;
    const first = await planInputPage(store, input, null, { ...LIMITS.plan, maxItems: 1 });
    await store.put(KEY, "{}");
    await expect(planInputPage(store, input, first.cursor, LIMITS.plan)).rejects.toMatchObject({
      code: "manifest_lost",
    });
  });
});
