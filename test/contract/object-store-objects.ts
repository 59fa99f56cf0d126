/** The contract of object stores: reading and writing one object, with conditions and ranges. */

import { describe, expect, it } from "vitest";
import { probeConditionalPut } from "../../src/storage/conditional-put.ts";
import { readBody } from "../../src/storage/read-body.ts";
import { catchCode, makeBytes, MIB, readAll, type StoreScene } from "./object-store-steps.ts";

/** Registers the tests of one object. */
export function describeObjects(scene: () => StoreScene): void {
  describe("head, get and put", () => {
    it("gives back what was put", async () => {
      const { store, prefix } = scene();
      const body = makeBytes(1000);
      const put = await store.put(`${prefix}a`, body, { contentType: "image/jpeg" });
      expect(put.kind).toBe("stored");
      const info = await store.head(`${prefix}a`);
      expect(info).toEqual({ key: `${prefix}a`, size: 1000, etag: put.kind === "stored" ? put.etag : "" });
      expect(await readAll(store, `${prefix}a`)).toEqual(body);
    });

    it("stores text as UTF-8", async () => {
      const { store, prefix } = scene();
      await store.put(`${prefix}text`, "grüße 😀");
      expect(new TextDecoder().decode((await readAll(store, `${prefix}text`)) ?? undefined)).toBe("grüße 😀");
    });

    it("holds empty objects", async () => {
      const { store, prefix } = scene();
      await store.put(`${prefix}empty`, new Uint8Array(0));
      expect((await store.head(`${prefix}empty`))?.size).toBe(0);
      expect(await readAll(store, `${prefix}empty`)).toEqual(new Uint8Array(0));
    });

    it("does not quote etags", async () => {
      const { store, prefix } = scene();
      const put = await store.put(`${prefix}a`, "x");
      expect(put.kind === "stored" && put.etag.length > 0 && !put.etag.includes('"')).toBe(true);
    });

    it("says missing for what is not there", async () => {
      const { store, prefix } = scene();
      expect(await store.head(`${prefix}nothing`)).toBeNull();
      expect(await store.get(`${prefix}nothing`)).toEqual({ kind: "missing" });
      expect(await store.get(`${prefix}nothing`, { ifMatch: "0123" })).toEqual({ kind: "missing" });
    });

    it("keeps the bytes that were put, whatever the caller does to its array after", async () => {
      const { store, prefix } = scene();
      const body = makeBytes(10);
      await store.put(`${prefix}own`, body);
      body.fill(99);
      expect(await readAll(store, `${prefix}own`)).toEqual(makeBytes(10));
    });

    it("gives an unread body up without harm", async () => {
      const { store, prefix } = scene();
      await store.put(`${prefix}big`, makeBytes(MIB));
      for (let round = 0; round < 10; round++) {
        const result = await store.get(`${prefix}big`);
        if (result.kind === "found") await result.body.cancel();
      }
      expect((await readAll(store, `${prefix}big`))?.length).toBe(MIB);
    });
  });

  describe("reading at once", () => {
    it("gives what get and its body give, whole and by range, under the same conditions", async () => {
      const { store, prefix } = scene();
      const key = `${prefix}whole`;
      const body = makeBytes(1000);
      const put = await store.put(key, body);
      const info = { key, size: 1000, etag: put.kind === "stored" ? put.etag : "" };
      expect(await store.read(key, { maxBytes: 1000 })).toEqual({ kind: "found", info, bytes: body });
      for (const [offset, length] of [
        [0, 1],
        [990, 10],
        [990, 11],
        [10, 900],
      ] as const) {
        const read = await store.read(key, { maxBytes: 900, ifMatch: info.etag, range: { offset, length } });
        expect(read).toEqual({ kind: "found", info, bytes: body.subarray(offset, offset + length) });
      }
      expect(await store.read(`${prefix}nothing`, { maxBytes: 1 })).toEqual({ kind: "missing" });
      await store.put(key, "another");
      expect(await store.read(key, { maxBytes: 1000, ifMatch: info.etag })).toEqual({ kind: "changed" });
      const outside = store.read(key, { maxBytes: 1000, range: { offset: 7, length: 1 } });
      expect(await catchCode(outside)).not.toMatch(/no error|foreign error/);
    });

    it("holds empty objects, and says how large one is that it may not read", async () => {
      const { store, prefix } = scene();
      const empty = await store.put(`${prefix}empty`, new Uint8Array(0));
      const etag = empty.kind === "stored" ? empty.etag : "";
      const info = { key: `${prefix}empty`, size: 0, etag };
      expect(await store.read(info.key, { maxBytes: 0 })).toEqual({ kind: "found", info, bytes: new Uint8Array(0) });
      await store.put(`${prefix}large`, makeBytes(MIB));
      expect(await store.read(`${prefix}large`, { maxBytes: MIB - 1 })).toMatchObject({
        kind: "too_large",
        info: { size: MIB },
      });
      const range = { offset: 5, length: 10 };
      expect(await store.read(`${prefix}large`, { maxBytes: 9, range })).toMatchObject({ kind: "too_large" });
      expect(await store.read(`${prefix}large`, { maxBytes: 10, range })).toMatchObject({ kind: "found" });
    });
  });

  describe("conditions", () => {
    it("reads only the version that is asked for", async () => {
      const { store, prefix } = scene();
      const first = await store.put(`${prefix}a`, "one");
      const etag = first.kind === "stored" ? first.etag : "";
      expect((await store.get(`${prefix}a`, { ifMatch: etag })).kind).toBe("found");
      await store.put(`${prefix}a`, "two");
      expect(await store.get(`${prefix}a`, { ifMatch: etag })).toEqual({ kind: "changed" });
      expect(await store.get(`${prefix}a`, { ifMatch: etag, range: { offset: 0, length: 1 } })).toEqual({
        kind: "changed",
      });
    });

    it("creates once", async () => {
      const { store, prefix } = scene();
      expect((await store.put(`${prefix}once`, "one", { ifNoneMatch: "*" })).kind).toBe("stored");
      expect(await store.put(`${prefix}once`, "two", { ifNoneMatch: "*" })).toEqual({ kind: "conflict" });
      expect(new TextDecoder().decode((await readAll(store, `${prefix}once`)) ?? undefined)).toBe("one");
      await store.delete([`${prefix}once`]);
      expect((await store.put(`${prefix}once`, "three", { ifNoneMatch: "*" })).kind).toBe("stored");
    });

    it("has one winner among concurrent creators", async () => {
      const { store, prefix } = scene();
      const puts = await Promise.all(
        Array.from({ length: 5 }, (_, number) => store.put(`${prefix}race`, `${number}`, { ifNoneMatch: "*" })),
      );
      expect(puts.filter((put) => put.kind === "stored")).toHaveLength(1);
      const winner = puts.findIndex((put) => put.kind === "stored");
      expect(new TextDecoder().decode((await readAll(store, `${prefix}race`)) ?? undefined)).toBe(`${winner}`);
    });

    it("overwrites only the version that is named", async () => {
      const { store, prefix } = scene();
      const first = await store.put(`${prefix}cas`, "one");
      const etag = first.kind === "stored" ? first.etag : "";
      expect((await store.put(`${prefix}cas`, "two", { ifMatch: etag })).kind).toBe("stored");
      expect(await store.put(`${prefix}cas`, "three", { ifMatch: etag })).toEqual({ kind: "conflict" });
      expect(await store.put(`${prefix}none`, "x", { ifMatch: etag })).toEqual({ kind: "conflict" });
      expect(await store.head(`${prefix}none`)).toBeNull();
    });

    it("passes the probe for conditional puts and leaves nothing behind", async () => {
      const { store, prefix } = scene();
      await probeConditionalPut(store, `${prefix}probe`);
      expect(await store.head(`${prefix}probe`)).toBeNull();
    });
  });

  describe("ranges", () => {
    it("reads the bytes asked for and tells the whole size", async () => {
      const { store, prefix } = scene();
      const body = makeBytes(1000);
      await store.put(`${prefix}r`, body);
      for (const [offset, length] of [
        [0, 1],
        [10, 100],
        [999, 1],
        [0, 1000],
      ] as const) {
        const result = await store.get(`${prefix}r`, { range: { offset, length } });
        if (result.kind !== "found") throw new Error(result.kind);
        expect(result.info.size).toBe(1000);
        expect(await readBody(result.body, 1000)).toEqual(body.subarray(offset, offset + length));
      }
    });

    it("ends a range at the object's end", async () => {
      const { store, prefix } = scene();
      await store.put(`${prefix}r`, makeBytes(100));
      const result = await store.get(`${prefix}r`, { range: { offset: 90, length: 100 } });
      if (result.kind !== "found") throw new Error(result.kind);
      expect(await readBody(result.body, 100)).toEqual(makeBytes(100).subarray(90));
    });

    it("refuses a range that begins beyond the end, or is empty", async () => {
      const { store, prefix } = scene();
      await store.put(`${prefix}r`, makeBytes(100));
      await store.put(`${prefix}empty`, "");
      expect(await catchCode(store.get(`${prefix}r`, { range: { offset: 100, length: 1 } }))).toBe("input_invalid");
      expect(await catchCode(store.get(`${prefix}r`, { range: { offset: 5000, length: 1 } }))).toBe("input_invalid");
      expect(await catchCode(store.get(`${prefix}r`, { range: { offset: 0, length: 0 } }))).toBe("input_invalid");
      expect(await catchCode(store.get(`${prefix}empty`, { range: { offset: 0, length: 1 } }))).toBe("input_invalid");
    });
  });
}
