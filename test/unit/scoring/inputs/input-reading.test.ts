import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { InputSpec } from "../../../../src/scoring/manifest/input-spec.ts";
import { createItemReader } from "../../../../src/scoring/inputs/item-reader.ts";
import { readItem } from "../../../../src/scoring/inputs/read-item.ts";
import type { InputItem } from "../../../../src/scoring/records/input-item.ts";
import { withRetry } from "../../../../src/storage/retried-store.ts";
import { createFaultStore, createRandom, createSeededSchedule, HEALABLE_RATES } from "../../../fault/fault-store.ts";
import { fill, image, LIMIT, manifest, packShard, planAll } from "../plan/input-fixtures.ts";

describe("reading an item", () => {
  const base = { index: 0, id: "a", key: "a", size: null, etag: null } satisfies InputItem;

  it("gives the bytes, or says why not", async () => {
    const store = await fill({ a: "12345", empty: "" });
    const etag = (await store.head("a"))?.etag ?? "";
    const limits = { maxBytes: 5 };
    expect(await readItem(store, { ...base, etag, size: 5 }, limits)).toEqual({
      kind: "bytes",
      bytes: new TextEncoder().encode("12345"),
      etag,
      size: 5,
    });
    expect(await readItem(store, { ...base, range: { offset: 1, length: 2 } }, limits)).toMatchObject({
      kind: "bytes",
      size: 2,
    });
    expect(await readItem(store, { ...base, key: "b" }, limits)).toEqual({ kind: "missing" });
    expect(await readItem(store, { ...base, etag: "old" }, limits)).toEqual({ kind: "changed" });
    expect(await readItem(store, { ...base, size: 4 }, limits)).toEqual({ kind: "changed" });
    expect(await readItem(store, { ...base, range: { offset: 3, length: 9 } }, { maxBytes: 9 })).toEqual({
      kind: "changed",
    });
    expect(await readItem(store, { ...base, key: "empty" }, limits)).toEqual({ kind: "empty" });
    expect(await readItem(store, base, { maxBytes: 4 })).toEqual({ kind: "too_large", size: 5 });
    expect(await readItem(store, { ...base, range: { offset: 0, length: 0 } }, limits)).toEqual({ kind: "empty" });
    await expect(readItem(store, { ...base, range: { offset: 9, length: 1 } }, limits)).rejects.toMatchObject({
      code: "input_invalid",
    });
  });
});

function outcome(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: unknown) => String(error));
}

describe("reading a chunk's items", () => {
  it("reads neighbors in one request, with the same results", async () => {
    const store = await fill({ "s/0.tar": await packShard(30), a: "alone", gone: "x" });
    const shard = (await planAll(store, { kind: "prefix", format: "tar", prefix: "s/" })).items;
    const others: InputItem[] = [
      { index: 0, id: "a", key: "a", size: null, etag: null },
      { index: 0, id: "b", key: "b", size: null, etag: null },
      { index: 0, id: "old", key: "s/0.tar", size: 5, etag: "old", range: { offset: 0, length: 5 } },
      { index: 0, id: "old2", key: "s/0.tar", size: 5, etag: "old", range: { offset: 5, length: 5 } },
      { index: 0, id: "end", key: "s/0.tar", size: 9, etag: shard[0]!.etag, range: { offset: 512, length: 9 } },
      { index: 0, id: "over", key: "s/0.tar", size: 900, etag: shard[0]!.etag, range: { offset: 521, length: 1e6 } },
      { index: 0, id: "far", key: "s/0.tar", size: 9, etag: shard[0]!.etag, range: { offset: 1e9, length: 9 } },
    ];
    const items = [...shard.slice(0, 20), ...others, ...shard.slice(20)];
    const calls: number[] = [];
    for (const maxRunBytes of [1, 1500, 8000, 1e6, 2e6]) {
      const limits = { maxBytes: 1200 + (maxRunBytes === 2e6 ? 2e6 : 0), maxRunBytes, maxGapBytes: 8192 };
      const counted = createFaultStore(store, () => null);
      const read = createItemReader(counted, items, limits);
      for (const item of items) {
        expect(await outcome(read(item))).toEqual(await outcome(readItem(store, item, limits)));
      }
      calls.push(counted.callCount);
    }
    expect(calls[0]).toBeGreaterThan(20);
    expect(calls[3]).toBeLessThan(12);
  });

  it("reads again after a failure", async () => {
    const store = await fill({ "s/0.tar": await packShard(5) });
    const { items } = await planAll(store, { kind: "prefix", format: "tar", prefix: "s/" });
    const faulty = createFaultStore(store, (call) => (call.index === 0 ? { kind: "short_read", fraction: 0.5 } : null));
    const read = createItemReader(faulty, items, { maxBytes: 1e6, maxRunBytes: 1e6, maxGapBytes: 4096 });
    await expect(read(items[2]!)).rejects.toMatchObject({ code: "store_short_read" });
    expect(await read(items[2]!)).toEqual(await readItem(store, items[2]!, { maxBytes: 1e6 }));
  });
});

describe("under faults", () => {
  it("plans and reads the same, whatever heals", async () => {
    const shard = await packShard(12);
    const lines = Array.from({ length: 60 }, (_, number) => `{"key":"p/${number}"}`).join("\n");
    const inner = await fill({ "s/0.tar": shard, m: lines, "m.gz": gzipSync(lines) });
    for (let number = 0; number < 30; number++)
      await inner.put(`p/${number}`, new Uint8Array(number * 50).fill(number));
    const inputs: InputSpec[] = [
      image("p/"),
      manifest("m"),
      manifest("m.gz"),
      { kind: "prefix", format: "tar", prefix: "s/" },
    ];
    const expected = await Promise.all(inputs.map((input) => planAll(inner, input)));
    let faults = 0;
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const faulty = createFaultStore(inner, createSeededSchedule(seed, HEALABLE_RATES));
        const budget = { hangs: false, spend: () => true, refill: () => undefined };
        const random = createRandom(seed);
        const store = withRetry(faulty, {
          maxAttempts: 12,
          baseDelayMs: 1,
          maxDelayMs: 1,
          budget,
          random,
          sleep: () => Promise.resolve(),
        });
        for (const [at, input] of inputs.entries()) {
          const planned = await planAll(store, input, { ...LIMIT, maxItems: 11, windowBytes: 1024 });
          expect(planned.items).toEqual(expected[at]?.items);
          for (const item of planned.items.slice(0, 8)) {
            const [clean, healed] = await Promise.all([
              readItem(inner, item, { maxBytes: 1e6 }),
              readItem(store, item, { maxBytes: 1e6 }),
            ]);
            expect(healed).toEqual(clean);
          }
        }
        faults += faulty.struck.length;
      }),
      { numRuns: 60 },
    );
    expect(faults).toBeGreaterThan(500);
  });
});
