import { describe, expect, it } from "vitest";
import { deletePage, listPages } from "../../../src/storage/list-pages.ts";
import { createMemoryStore } from "../../../src/storage/memory-store.ts";

describe("listPages", () => {
  const KEYS = Array.from({ length: 2001 }, (_, at) => `a/${String(at).padStart(5, "0")}`);

  async function fill() {
    const store = createMemoryStore();
    for (const key of [...KEYS, "b/other"]) await store.put(key, "x");
    return store;
  }

  it("gives every key under the prefix once", async () => {
    const keys: string[] = [];
    for await (const { objects } of listPages(await fill(), "a/")) keys.push(...objects.map(({ key }) => key));
    expect(keys).toEqual(KEYS);
  });

  it("goes on behind what was deleted meanwhile", async () => {
    const store = await fill();
    for await (const page of listPages(store, "a/")) await deletePage(store, page);
    expect((await store.list({ prefix: "" })).objects.map(({ key }) => key)).toEqual(["b/other"]);
  });
});
