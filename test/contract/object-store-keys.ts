/** The contract of object stores: keys that have broken some store, SDK or signature before. */

import { describe, expect, it } from "vitest";
import type { ObjectStore } from "../../src/storage/object-store.ts";
import { catchCode, listAll, readAll, type StoreScene, type StoreUnderTest } from "./object-store-steps.ts";

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

/** Registers the tests of keys. */
export function describeHostileKeys(subject: StoreUnderTest, scene: () => StoreScene): void {
  describe("hostile keys", () => {
    for (const name of HOSTILE_NAMES) {
      const lacks = subject.serverLacks ?? {};
      // `__proto__` is one of the names.
      const lacking = Object.hasOwn(lacks, name) ? lacks[name] : undefined;
      const reason = lacking === undefined ? "" : ` (skipped: ${lacking})`;
      it.skipIf(lacking !== undefined)(`holds ${JSON.stringify(name)} or refuses it${reason}`, async () => {
        const { store, prefix } = scene();
        const key = prefix + name;
        await (subject.refuses?.(key) === true ? expectRefused(store, key) : expectHeld(store, prefix, key));
        expect(await store.head(`${prefix}other`)).toBeNull();
      });
    }

    it("holds keys of 1,024 bytes and refuses longer and broken ones", async () => {
      const { store, prefix } = scene();
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
}
