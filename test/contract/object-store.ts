/** What every ObjectStore must do. One suite, run over each adapter, in Node and inside workerd. */

import { beforeEach, describe, expect, it } from "vitest";
import { type ErrorCode, ScoringError } from "../../src/errors.ts";
import { probeConditionalPut } from "../../src/storage/conditional-put.ts";
import { compareKeys } from "../../src/storage/key-rules.ts";
import type { ObjectInfo, ObjectStore } from "../../src/storage/object-store.ts";
import { readBody } from "../../src/storage/read-body.ts";

/** The adapter under test and where it may differ. */
export interface StoreUnderTest {
  readonly name: string;
  /** Called before the first test; all tests share the store, each under a prefix of its own. */
  open(): Promise<ObjectStore> | ObjectStore;
  /** Keys that the adapter's medium cannot hold: it must refuse them with `validation_failed`, never store them elsewhere. */
  refuses?(key: string): boolean;
  /** Names that the server of this test, not the adapter, cannot take, with the reason: skipped, and shown as skipped. */
  readonly serverLacks?: Readonly<Record<string, string>>;
}

const MIB = 1024 * 1024;
const PART_BYTES = 5 * MIB;

/** A name that the router of the local S3 server does not match. */
export const LINE_BREAK_NAME = "tab\tnewline\nreturn\r.jpg";

/** Keys that have broken some store, SDK or signature before. */
const HOSTILE_NAMES = [
  "plain.jpg",
  "with space.jpg",
  "plus+sign.jpg",
  "percent%20.jpg",
  "%2e%2e/dots-escaped",
  "%2F",
  "../up",
  "a/../b",
  "./here",
  "a//b",
  "trailing/",
  "quote\"s'.jpg",
  "<angle>&amp;.jpg",
  "back\\slash",
  "question?mark=1&x#y",
  "semi;colon:comma,=@!$*()[]{}|^`~",
  "ünïcødé/日本語.jpg",
  "e\u0301-combining",
  "emoji-😀.jpg",
  "＞fullwidth",
  "\u0001control",
  LINE_BREAK_NAME,
  "del\u007f",
  " leading space",
  "trailing space ",
  "trailing.dot.",
  "-rf",
  "CON",
  "__proto__",
] as const;

/** The bytes seed, seed + 7, seed + 14 … modulo 256: a wrong range shows. */
function makeBytes(length: number, seed = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = at * 7 + seed;
  return bytes;
}

async function readAll(store: ObjectStore, key: string): Promise<Uint8Array | null> {
  const result = await store.get(key);
  return result.kind === "found" ? readBody(result.body, 64 * MIB, result.info.size) : null;
}

async function listAll(store: ObjectStore, prefix: string, limit: number): Promise<ObjectInfo[]> {
  const all: ObjectInfo[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 1000; pages++) {
    const page = await store.list({ prefix, limit, ...(cursor === undefined ? {} : { cursor }) });
    expect(page.objects.length).toBeLessThanOrEqual(limit);
    all.push(...page.objects);
    cursor = page.cursor;
    if (cursor === undefined) return all;
  }
  throw new Error("the listing never ends");
}

async function catchCode(promise: Promise<unknown>): Promise<ErrorCode | "no error" | "foreign error"> {
  try {
    await promise;
    return "no error";
  } catch (error) {
    return error instanceof ScoringError ? error.code : "foreign error";
  }
}

/** The key is refused by every call, in our own words. */
async function expectRefused(store: ObjectStore, key: string): Promise<void> {
  expect(await catchCode(store.put(key, "x"))).toBe("validation_failed");
  expect(await catchCode(store.get(key))).toBe("validation_failed");
  expect(await catchCode(store.delete([key]))).toBe("validation_failed");
}

/** The key, alone under `prefix`, comes back the same from every call. */
async function expectHeld(store: ObjectStore, prefix: string, key: string): Promise<void> {
  await store.put(key, key);
  expect(new TextDecoder().decode((await readAll(store, key)) ?? undefined)).toBe(key);
  expect((await store.head(key))?.key).toBe(key);
  expect((await listAll(store, prefix, 1)).map((object) => object.key)).toEqual([key]);
  expect((await store.list({ prefix: key })).objects.map((object) => object.key)).toEqual([key]);
  expect((await store.list({ prefix, startAfter: key })).objects).toEqual([]);
  expect((await store.put(key, "again", { ifNoneMatch: "*" })).kind).toBe("conflict");
  await store.put(`${prefix}zz`, "x");
  await store.delete([key, `${prefix}zz`]);
  expect(await store.head(key)).toBeNull();
}

/** Registers the suite. */
export function describeObjectStore(subject: StoreUnderTest): void {
  describe(`object store: ${subject.name}`, () => {
    let opened: ObjectStore | undefined;
    let store: ObjectStore;
    let prefix = "";
    let testCount = 0;

    beforeEach(async () => {
      opened ??= await subject.open();
      store = opened;
      testCount += 1;
      prefix = `contract-${testCount}/`;
    });

    describe("head, get and put", () => {
      it("gives back what was put", async () => {
        const body = makeBytes(1000);
        const put = await store.put(`${prefix}a`, body, { contentType: "image/jpeg" });
        expect(put.kind).toBe("stored");
        const info = await store.head(`${prefix}a`);
        expect(info).toEqual({ key: `${prefix}a`, size: 1000, etag: put.kind === "stored" ? put.etag : "" });
        expect(await readAll(store, `${prefix}a`)).toEqual(body);
      });

      it("stores text as UTF-8", async () => {
        await store.put(`${prefix}text`, "grüße 😀");
        expect(new TextDecoder().decode((await readAll(store, `${prefix}text`)) ?? undefined)).toBe("grüße 😀");
      });

      it("holds empty objects", async () => {
        await store.put(`${prefix}empty`, new Uint8Array(0));
        expect((await store.head(`${prefix}empty`))?.size).toBe(0);
        expect(await readAll(store, `${prefix}empty`)).toEqual(new Uint8Array(0));
      });

      it("does not quote etags", async () => {
        const put = await store.put(`${prefix}a`, "x");
        expect(put.kind === "stored" && put.etag.length > 0 && !put.etag.includes('"')).toBe(true);
      });

      it("says missing for what is not there", async () => {
        expect(await store.head(`${prefix}nothing`)).toBeNull();
        expect(await store.get(`${prefix}nothing`)).toEqual({ kind: "missing" });
        expect(await store.get(`${prefix}nothing`, { ifMatch: "0123" })).toEqual({ kind: "missing" });
      });

      it("keeps the bytes that were put, whatever the caller does to its array after", async () => {
        const body = makeBytes(10);
        await store.put(`${prefix}own`, body);
        body.fill(99);
        expect(await readAll(store, `${prefix}own`)).toEqual(makeBytes(10));
      });

      it("gives an unread body up without harm", async () => {
        await store.put(`${prefix}big`, makeBytes(MIB));
        for (let round = 0; round < 10; round++) {
          const result = await store.get(`${prefix}big`);
          if (result.kind === "found") await result.body.cancel();
        }
        expect((await readAll(store, `${prefix}big`))?.length).toBe(MIB);
      });
    });

    describe("conditions", () => {
      it("reads only the version that is asked for", async () => {
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
        expect((await store.put(`${prefix}once`, "one", { ifNoneMatch: "*" })).kind).toBe("stored");
        expect(await store.put(`${prefix}once`, "two", { ifNoneMatch: "*" })).toEqual({ kind: "conflict" });
        expect(new TextDecoder().decode((await readAll(store, `${prefix}once`)) ?? undefined)).toBe("one");
        await store.delete([`${prefix}once`]);
        expect((await store.put(`${prefix}once`, "three", { ifNoneMatch: "*" })).kind).toBe("stored");
      });

      it("has one winner among concurrent creators", async () => {
        const puts = await Promise.all(
          Array.from({ length: 5 }, (_, number) => store.put(`${prefix}race`, `${number}`, { ifNoneMatch: "*" })),
        );
        expect(puts.filter((put) => put.kind === "stored")).toHaveLength(1);
        const winner = puts.findIndex((put) => put.kind === "stored");
        expect(new TextDecoder().decode((await readAll(store, `${prefix}race`)) ?? undefined)).toBe(`${winner}`);
      });

      it("overwrites only the version that is named", async () => {
        const first = await store.put(`${prefix}cas`, "one");
        const etag = first.kind === "stored" ? first.etag : "";
        expect((await store.put(`${prefix}cas`, "two", { ifMatch: etag })).kind).toBe("stored");
        expect(await store.put(`${prefix}cas`, "three", { ifMatch: etag })).toEqual({ kind: "conflict" });
        expect(await store.put(`${prefix}none`, "x", { ifMatch: etag })).toEqual({ kind: "conflict" });
        expect(await store.head(`${prefix}none`)).toBeNull();
      });

      it("passes the probe for conditional puts and leaves nothing behind", async () => {
        await probeConditionalPut(store, `${prefix}probe`);
        expect(await store.head(`${prefix}probe`)).toBeNull();
      });
    });

    describe("ranges", () => {
      it("reads the bytes asked for and tells the whole size", async () => {
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
        await store.put(`${prefix}r`, makeBytes(100));
        const result = await store.get(`${prefix}r`, { range: { offset: 90, length: 100 } });
        if (result.kind !== "found") throw new Error(result.kind);
        expect(await readBody(result.body, 100)).toEqual(makeBytes(100).subarray(90));
      });

      it("refuses a range that begins beyond the end, or is empty", async () => {
        await store.put(`${prefix}r`, makeBytes(100));
        await store.put(`${prefix}empty`, "");
        expect(await catchCode(store.get(`${prefix}r`, { range: { offset: 100, length: 1 } }))).toBe("input_invalid");
        expect(await catchCode(store.get(`${prefix}r`, { range: { offset: 5000, length: 1 } }))).toBe("input_invalid");
        expect(await catchCode(store.get(`${prefix}r`, { range: { offset: 0, length: 0 } }))).toBe("input_invalid");
        expect(await catchCode(store.get(`${prefix}empty`, { range: { offset: 0, length: 1 } }))).toBe("input_invalid");
      });
    });

    describe("listing", () => {
      const names = ["a", "a/b", "a.b", "b/1", "b/2", "b/3", "z", "é", "日", "＞", "😀"];

      async function fill(): Promise<string[]> {
        const keys = names.map((name) => prefix + name).filter((key) => subject.refuses?.(key) !== true);
        // A file system has no object `a` beside `a/b`.
        const held: string[] = [];
        for (const key of keys) if ((await catchCode(store.put(key, key))) === "no error") held.push(key);
        expect(held.length).toBeGreaterThanOrEqual(names.length - 1);
        return held.toSorted(compareKeys);
      }

      it("pages by two without loss, in the order of UTF-8", async () => {
        const keys = await fill();
        const listed = await listAll(store, prefix, 2);
        expect(listed.map((object) => object.key)).toEqual(keys);
        for (const object of listed) expect(await store.head(object.key)).toEqual(object);
      });

      it("gives the same at every page size", async () => {
        const keys = await fill();
        for (const limit of [1, 3, 7, keys.length, 1000]) {
          expect((await listAll(store, prefix, limit)).map((object) => object.key)).toEqual(keys);
        }
      });

      it("lists only below the prefix", async () => {
        const keys = await fill();
        const below = (await listAll(store, `${prefix}b/`, 2)).map((object) => object.key);
        expect(below).toEqual(keys.filter((key) => key.startsWith(`${prefix}b/`)));
        expect(await store.list({ prefix: `${prefix}nothing` })).toEqual({ objects: [] });
        // A prefix is text, not a folder.
        expect((await listAll(store, `${prefix}b`, 2)).map((object) => object.key)).toEqual(below);
      });

      it("starts after any key, whether or not it exists", async () => {
        const keys = await fill();
        for (const after of [...keys, `${prefix}b/2x`, prefix, `${prefix}zz`]) {
          const page = await store.list({ prefix, startAfter: after });
          expect(page.objects.map((object) => object.key)).toEqual(keys.filter((key) => compareKeys(key, after) > 0));
        }
      });

      it("goes on from a cursor whose neighbours were deleted meanwhile", async () => {
        const keys = await fill();
        const first = await store.list({ prefix, limit: 3 });
        await store.delete(keys.slice(2, 4));
        const rest = await store.list({ prefix, cursor: first.cursor ?? "" });
        expect(rest.objects.map((object) => object.key)).toEqual(keys.slice(4));
      });

      it("sees what is put behind the cursor between two pages", async () => {
        const keys = await fill();
        const first = await store.list({ prefix, limit: 3 });
        await store.put(`${prefix}zzz`, "late");
        const rest = await store.list({ prefix, cursor: first.cursor ?? "" });
        expect(rest.objects.map((object) => object.key)).toEqual(
          [...keys.slice(3), `${prefix}zzz`].toSorted(compareKeys),
        );
      });
    });

    describe("deleting", () => {
      it("deletes many, and missing ones without complaint", async () => {
        const keys = Array.from({ length: 30 }, (_, number) => `${prefix}d${number}`);
        for (const key of keys) await store.put(key, "x");
        await store.delete([...keys.slice(0, 29), `${prefix}never-there`]);
        expect((await store.list({ prefix })).objects.map((object) => object.key)).toEqual([`${prefix}d29`]);
        await store.delete([`${prefix}never-there`]);
        await store.delete([]);
      });

      it("refuses more than a thousand at once", async () => {
        const keys = Array.from({ length: 1001 }, (_, number) => `${prefix}d${number}`);
        expect(await catchCode(store.delete(keys))).toBe("validation_failed");
      });
    });

    describe("multipart uploads", () => {
      it("joins the parts in order", async () => {
        const upload = await store.createMultipart(`${prefix}m`, { contentType: "text/csv" });
        const second = await upload.uploadPart(2, makeBytes(1000, 2));
        const first = await upload.uploadPart(1, makeBytes(PART_BYTES, 1));
        expect(await store.head(`${prefix}m`)).toBeNull();
        const { etag } = await upload.complete([first, second]);
        expect(await store.head(`${prefix}m`)).toEqual({ key: `${prefix}m`, size: PART_BYTES + 1000, etag });
        const tail = await store.get(`${prefix}m`, { range: { offset: PART_BYTES - 2, length: 4 }, ifMatch: etag });
        if (tail.kind !== "found") throw new Error(tail.kind);
        const edge = [...makeBytes(PART_BYTES, 1).subarray(-2), ...makeBytes(2, 2)];
        expect([...(await readBody(tail.body, 4))]).toEqual(edge);
      });

      it("is taken up again by its id", async () => {
        const { uploadId } = await store.createMultipart(`${prefix}m`);
        const part = await store.resumeMultipart(`${prefix}m`, uploadId).uploadPart(1, makeBytes(50));
        await store.resumeMultipart(`${prefix}m`, uploadId).complete([part]);
        expect(await readAll(store, `${prefix}m`)).toEqual(makeBytes(50));
      });

      it("keeps the last of two uploads of one part", async () => {
        const upload = await store.createMultipart(`${prefix}m`);
        await upload.uploadPart(1, makeBytes(50, 1));
        const again = await upload.uploadPart(1, makeBytes(60, 2));
        await upload.complete([again]);
        expect(await readAll(store, `${prefix}m`)).toEqual(makeBytes(60, 2));
      });

      it("leaves nothing after an abort, and aborts twice", async () => {
        const upload = await store.createMultipart(`${prefix}m`);
        const part = await upload.uploadPart(1, makeBytes(50));
        await upload.abort();
        await upload.abort();
        expect(await store.head(`${prefix}m`)).toBeNull();
        expect(["not_found", "validation_failed"]).toContain(await catchCode(upload.complete([part])));
        expect(await store.head(`${prefix}m`)).toBeNull();
      });

      it("refuses wrong parts", async () => {
        const upload = await store.createMultipart(`${prefix}m`);
        const first = await upload.uploadPart(1, makeBytes(50));
        const second = await upload.uploadPart(2, makeBytes(50));
        expect(await catchCode(upload.complete([{ ...first, etag: "0".repeat(32) }]))).toBe("validation_failed");
        expect(await catchCode(upload.complete([second, first]))).toBe("validation_failed");
        expect(await catchCode(upload.complete([]))).toBe("validation_failed");
        // The first part is smaller than 5 MiB.
        expect(await catchCode(upload.complete([first, second]))).toBe("validation_failed");
        expect(await catchCode(upload.uploadPart(0, makeBytes(1)))).toBe("validation_failed");
        expect(await catchCode(upload.uploadPart(10_001, makeBytes(1)))).toBe("validation_failed");
        expect(await store.head(`${prefix}m`)).toBeNull();
      });

      it("knows no upload that was never begun", async () => {
        const upload = store.resumeMultipart(`${prefix}m`, "never-begun");
        expect(["not_found", "validation_failed"]).toContain(await catchCode(upload.uploadPart(1, makeBytes(1))));
      });
    });

    describe("hostile keys", () => {
      for (const name of HOSTILE_NAMES) {
        const lacks = subject.serverLacks ?? {};
        // `__proto__` is one of the names.
        const lacking = Object.hasOwn(lacks, name) ? lacks[name] : undefined;
        const reason = lacking === undefined ? "" : ` (skipped: ${lacking})`;
        it.skipIf(lacking !== undefined)(`holds ${JSON.stringify(name)} or refuses it${reason}`, async () => {
          const key = prefix + name;
          await (subject.refuses?.(key) === true ? expectRefused(store, key) : expectHeld(store, prefix, key));
          expect(await store.head(`${prefix}other`)).toBeNull();
        });
      }

      it("holds keys of 1,024 bytes and refuses longer and broken ones", async () => {
        // Segments of 100 bytes, so that a file system can take part.
        const long = (prefix + `${"ä".repeat(49)}x/`.repeat(20)).slice(0, 400) + "k";
        let key = long;
        while (new TextEncoder().encode(key).length < 1024) key += key.length % 50 === 0 ? "/" : "k";
        expect(new TextEncoder().encode(key).length).toBe(1024);
        await (subject.refuses?.(key) === true ? expectRefused(store, key) : expectHeld(store, prefix, key));
        expect(await catchCode(store.put(`${key}k`, "x"))).toBe("validation_failed");
        expect(await catchCode(store.put("", "x"))).toBe("validation_failed");
        expect(await catchCode(store.put(`${prefix}\ud800`, "x"))).toBe("validation_failed");
      });
    });
  });
}
