/** The contract of object stores: listing and deleting. */

import { describe, expect, it } from "vitest";
import { compareKeys } from "../../src/storage/key-rules.ts";
import { catchCode, listAll, type StoreScene, type StoreUnderTest } from "./object-store-steps.ts";

/** Registers the tests of many objects. */
export function describeListing(subject: StoreUnderTest, scene: () => StoreScene): void {
  describe("listing", () => {
    const names = ["a", "a/b", "a.b", "b/1", "b/2", "b/3", "z", "é", "日", "＞", "😀"];

    async function fill({ store, prefix }: StoreScene): Promise<string[]> {
      const keys = names.map((name) => prefix + name).filter((key) => subject.refuses?.(key) !== true);
      // A file system has no object `a` beside `a/b`.
      const held: string[] = [];
      for (const key of keys) if ((await catchCode(store.put(key, key))) === "no error") held.push(key);
      expect(held.length).toBeGreaterThanOrEqual(names.length - 1);
      return held.toSorted(compareKeys);
    }

    it("pages by two without loss, in the order of UTF-8", async () => {
      const { store, prefix } = scene();
      const keys = await fill({ store, prefix });
      const listed = await listAll(store, prefix, 2);
      expect(listed.map((object) => object.key)).toEqual(keys);
      for (const object of listed) expect(await store.head(object.key)).toEqual(object);
    });

    it("gives the same at every page size", async () => {
      const { store, prefix } = scene();
      const keys = await fill({ store, prefix });
      for (const limit of [1, 3, 7, keys.length, 1000]) {
        expect((await listAll(store, prefix, limit)).map((object) => object.key)).toEqual(keys);
      }
    });

    it("lists only below the prefix", async () => {
      const { store, prefix } = scene();
      const keys = await fill({ store, prefix });
      const below = (await listAll(store, `${prefix}b/`, 2)).map((object) => object.key);
      expect(below).toEqual(keys.filter((key) => key.startsWith(`${prefix}b/`)));
      expect(await store.list({ prefix: `${prefix}nothing` })).toEqual({ objects: [] });
      // A prefix is text, not a folder.
      expect((await listAll(store, `${prefix}b`, 2)).map((object) => object.key)).toEqual(below);
    });

    it("starts after any key, whether or not it exists", async () => {
      const { store, prefix } = scene();
      const keys = await fill({ store, prefix });
      // The last code point: what lies behind all keys that begin alike (plan/key-ranges.ts).
      const behind = `${prefix}b/\u{10ffff}`;
      for (const after of [...keys, `${prefix}b/2x`, behind, prefix, `${prefix}zz`]) {
        const page = await store.list({ prefix, startAfter: after });
        expect(page.objects.map((object) => object.key)).toEqual(keys.filter((key) => compareKeys(key, after) > 0));
      }
    });

    it("goes on from a cursor whose neighbors were deleted meanwhile", async () => {
      const { store, prefix } = scene();
      const keys = await fill({ store, prefix });
      const first = await store.list({ prefix, limit: 3 });
      await store.delete(keys.slice(2, 4));
      const rest = await store.list({ prefix, cursor: first.cursor ?? "" });
      expect(rest.objects.map((object) => object.key)).toEqual(keys.slice(4));
    });

    it("sees what is put behind the cursor between two pages", async () => {
      const { store, prefix } = scene();
      const keys = await fill({ store, prefix });
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
      const { store, prefix } = scene();
      const keys = Array.from({ length: 30 }, (_, number) => `${prefix}d${number}`);
      for (const key of keys) await store.put(key, "x");
      await store.delete([...keys.slice(0, 29), `${prefix}never-there`]);
      expect((await store.list({ prefix })).objects.map((object) => object.key)).toEqual([`${prefix}d29`]);
      await store.delete([`${prefix}never-there`]);
      await store.delete([]);
    });

    it("refuses more than a thousand at once", async () => {
      const { store, prefix } = scene();
      const keys = Array.from({ length: 1001 }, (_, number) => `${prefix}d${number}`);
      expect(await catchCode(store.delete(keys))).toBe("validation_failed");
    });
  });
}
