import { describe, expect, it } from "vitest";
import type { InputSpec } from "../../../../src/scoring/manifest/input-spec.ts";
import { planInputPage } from "../../../../src/scoring/plan/plan-page.ts";
import { createMemoryStore } from "../../../../src/storage/memory-store.ts";
import { expectSameForEveryPage, fill, image, LIMIT, planAll } from "./input-fixtures.ts";

describe("a prefix", () => {
  it("freezes every object's size and etag, in order, without folder markers", async () => {
    const store = await fill({
      "in/b.jpg": "bb",
      "in/a.jpg": "a",
      "in/": "",
      "in/sub/": "",
      "in/sub/c": "",
      "out/x": "x",
    });
    const { items, issues } = await planAll(store, image("in/"));
    expect(items.map((item) => [item.index, item.id, item.size])).toEqual([
      [0, "in/a.jpg", 1],
      [1, "in/b.jpg", 2],
      [2, "in/sub/c", 0],
    ]);
    expect(items[0]?.etag).toBe((await store.head("in/a.jpg"))?.etag);
    expect(issues).toEqual([]);
  });

  it("is one empty page when there is nothing", async () => {
    expect(await planInputPage(createMemoryStore(), image("none/"), null, LIMIT)).toEqual({
      items: [],
      cursor: null,
      issues: [],
      droppedIssues: 0,
    });
  });

  it("gives the same items at every page size", async () => {
    expect.hasAssertions();
    const names = Array.from({ length: 40 }, (_, number) => [`p/${number % 7 === 0 ? "😀" : "é"}${number}`, "x"]);
    await expectSameForEveryPage(await fill(Object.fromEntries(names)), image("p/"));
  });

  it("lists more than one store page", async () => {
    const store = createMemoryStore();
    for (let number = 0; number < 2345; number++) await store.put(`p/${number}`, "x");
    const { items } = await planAll(store, image("p/"), { ...LIMIT, maxItems: 10_000 });
    expect(items).toHaveLength(2345);
    expect(new Set(items.map((item) => item.id)).size).toBe(2345);
  });

  it("makes ids that no terminal obeys, and keeps them apart", async () => {
    const store = await fill({ "p/\u001b[31m": "1", "p/%1B[31m": "2", "p/\u202egpj.exe": "3" });
    const { items } = await planAll(store, image("p/"));
    expect(items.map((item) => item.id).toSorted()).toEqual(["p/%1B[31m", "p/%251B[31m", "p/%E2%80%AEgpj.exe"]);
  });
});

describe("a list of objects", () => {
  it("checks labels, groups and versions, and reports all findings", async () => {
    const input: InputSpec = {
      kind: "objects",
      format: "image",
      objects: [
        { key: "a", label: "happy", groups: { site: "x" } },
        { key: "b", id: "B", label: 6, etag: '"quoted"' },
        { key: "c", label: "joy" },
        { key: "d", versionId: "v1" },
        { key: "e", groups: Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`g${at}`, "x"])) },
        { key: "f", id: "bad\u0000id", label: 7 },
        { key: "a" },
        { key: "" },
      ],
    };
    const { items, issues } = await planAll(createMemoryStore(), input);
    expect(items).toEqual([
      { index: 0, id: "a", key: "a", size: null, etag: null, label: "Happy", groups: { site: "x" } },
      { index: 1, id: "B", key: "b", size: null, etag: "quoted", label: "Neutral" },
    ]);
    expect(issues.map((issue) => [issue.path, issue.code])).toEqual([
      ["input.objects[2].label", "label_unknown"],
      ["input.objects[3].versionId", "version_unsupported"],
      ["input.objects[4].groups", "groups_invalid"],
      ["input.objects[5].id", "id_invalid"],
      ["input.objects[5].label", "label_unknown"],
      ["input.objects[6].id", "id_duplicate"],
      ["input.objects[7].key", "key_invalid"],
    ]);
    await expectSameForEveryPage(createMemoryStore(), input);
  });

  it("counts issues above the limit instead of listing them", async () => {
    const objects = Array.from({ length: 30 }, (_, at) => ({ key: `k${at}`, label: "joy" }));
    const page = await planInputPage(createMemoryStore(), { kind: "objects", format: "image", objects }, null, {
      ...LIMIT,
      maxIssues: 5,
    });
    expect([page.issues.length, page.droppedIssues]).toEqual([5, 25]);
  });
});
