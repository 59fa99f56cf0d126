import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as fc from "fast-check";
import { packTar } from "modern-tar";
import { describe, expect, it } from "vitest";
import { parseFerPixels } from "../../../../src/scoring/chunk/fer-pixels.ts";
import type { InputSpec } from "../../../../src/scoring/manifest/input-spec.ts";
import { planInputPage } from "../../../../src/scoring/plan/plan-page.ts";
import { readItem } from "../../../../src/scoring/inputs/read-item.ts";
import { expectSameForEveryPage, fill, LIMIT, manifest, packShard, planAll } from "./input-fixtures.ts";

/** A file of a shard. */
const member = (name: string, body: string) => {
  return { header: { name, size: Buffer.byteLength(body), type: "file" as const }, body };
};

/** A picture of a shard with what its JSON says. */
const about = (name: string, value: unknown) => [
  member(`${name}.jpg`, name),
  member(`${name}.json`, JSON.stringify(value)),
];

describe("tar shards", () => {
  const shards: InputSpec = { kind: "prefix", format: "tar", prefix: "s/" };

  it("finds every picture where it lies, with its sample's label", async () => {
    const shard = await packShard(20);
    const store = await fill({ "s/0.tar": shard, "s/index.json": "{}" });
    const { items, issues } = await planAll(store, shards);
    expect(issues).toEqual([]);
    expect(items).toHaveLength(25);
    expect(items[0]?.id).toBe(`s/0.tar/dir/${"long-".repeat(30)}0.jpg`);
    for (const item of items) {
      const number = Number(/(\d+)(?:\.right)?\.(?:jpg|png)$/.exec(item.id)?.[1]);
      expect(item.label).toBe(
        number % 2 === 1 ? "Sad" : ["Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral"][number % 7],
      );
      expect(item.groups).toEqual(number % 2 === 1 ? { cam: String(number) } : undefined);
      const { offset, length } = item.range ?? { offset: -1, length: -1 };
      expect(shard.subarray(offset, offset + length)).toEqual(new Uint8Array((number * 397) % 1500).fill(number));
      expect(item.etag).toBe((await store.head("s/0.tar"))?.etag);
    }
  });

  it("takes truth and groups from a sample's JSON, and says where it has two truths", async () => {
    const shard = await packTar([
      ...about("a", { truth: "Happy", groups: { site: "north", year: 2026 }, caption: "a face" }),
      ...about("b", { cls: 4 }),
      ...about("c", { truth: "Happy", label: "Sad" }),
    ]);
    const { items, issues } = await planAll(await fill({ "s/0.tar": shard }), shards);
    expect(items.map(({ label, groups }) => [label, groups])).toEqual([
      ["Happy", { site: "north", year: "2026" }],
      ["Sad", undefined],
      [undefined, undefined],
    ]);
    expect(issues).toMatchObject([{ path: "s/0.tar", code: "label_unknown" }]);
    expect(issues[0]?.message).toContain("both mean the true label");
  });

  it.each(["gnu", "pax", "ustar", "v7"])("reads what GNU tar writes as %s", async (format) => {
    const folder = await mkdtemp(join(tmpdir(), "countenance-tar-"));
    try {
      const name =
        format === "ustar"
          ? `${"deep/".repeat(22)}${"n".repeat(40)}.jpg`
          : format === "v7"
            ? "a.jpg"
            : `${"n".repeat(200)}é.jpg`;
      await mkdir(join(folder, dirname(name)), { recursive: true });
      await writeFile(join(folder, name), "picture");
      await symlink("nowhere", join(folder, "link.jpg"));
      const archive = execFileSync("tar", [`--format=${format}`, "-cf", "-", "-C", folder, name, "link.jpg"]);
      const store = await fill({ "s/0.tar": archive });
      const { items, issues } = await planAll(store, shards);
      expect(issues).toEqual([]);
      expect(items.map((item) => item.id)).toEqual([`s/0.tar/${name}`]);
      const read = await readItem(store, items[0]!, { maxBytes: 100 });
      expect(read.kind === "bytes" && new TextDecoder().decode(read.bytes)).toBe("picture");
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("gives the same at every page size, over several shards", async () => {
    expect.hasAssertions();
    const store = await fill({
      "s/0.tar": await packShard(9),
      "s/1.tar": await packShard(0),
      "s/2.tar": await packShard(7),
    });
    await expectSameForEveryPage(store, shards);
  });

  it("reads shards that a manifest or a list names, and turns missing ones into items", async () => {
    const store = await fill({
      "s/0.tar": await packShard(3),
      m: '{"key":"s/0.tar","id":"A","label":1}\n{"key":"gone.tar"}\n',
    });
    const { items } = await planAll(store, manifest("m", "tar"));
    expect(items.map((item) => [item.id.slice(0, 6), item.label])).toEqual([
      ["A/dir/", "Angry"],
      ["A/dir/", "Angry"],
      ["A/dir/", "Sad"],
      ["A/dir/", "Fear"],
      ["gone.t", undefined],
    ]);
    expect(await readItem(store, items[4]!, { maxBytes: 100 })).toEqual({ kind: "missing" });
    const objects: InputSpec = { kind: "objects", format: "tar", objects: [{ key: "s/0.tar", etag: "old" }] };
    const [only] = (await planAll(store, objects)).items;
    expect(only).toMatchObject({ key: "s/0.tar", etag: "old" });
    expect(await readItem(store, only!, { maxBytes: 1e6 })).toEqual({ kind: "changed" });
  });

  it("keeps what stands before damage, and goes on with the next shard", async () => {
    const shard = await packShard(6);
    const whole = await planAll(await fill({ "s/0.tar": shard }), shards);
    for (let at = 512; at < shard.length - 1024; at += 512) {
      const spoiled = shard.slice();
      spoiled.fill(0x39, at, at + 20);
      const store = await fill({ "s/0.tar": spoiled, "s/1.tar": shard });
      const { items, issues } = await planAll(store, shards);
      expect(issues.length).toBeLessThanOrEqual(2);
      expect(items.filter((item) => item.key === "s/1.tar")).toHaveLength(whole.items.length);
    }
    const cut = await planAll(await fill({ "s/0.tar": shard.subarray(0, 2600) }), shards);
    expect(cut.issues.map((issue) => issue.code)).toEqual(["input_invalid"]);
    const text = await planAll(await fill({ "s/0.tar": "this is no archive ".repeat(100) }), shards);
    expect(text.issues.map((issue) => issue.code)).toEqual(["input_invalid"]);
  });

  it("stops at a shard that is replaced between two pages", async () => {
    const store = await fill({ "s/0.tar": await packShard(6), "s/1.tar": await packShard(2) });
    const first = await planInputPage(store, shards, null, { ...LIMIT, maxItems: 2 });
    await store.put("s/0.tar", await packShard(5));
    const rest = await planInputPage(store, shards, first.cursor, LIMIT);
    expect(rest.issues.map((issue) => issue.code)).toEqual(["object_changed"]);
    expect(rest.items.every((item) => item.key === "s/1.tar")).toBe(true);
  });

  it("never throws on arbitrary bytes", async () => {
    expect.hasAssertions();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), async (bytes) => {
        await planAll(await fill({ "s/0.tar": bytes }), shards);
      }),
      { numRuns: 50 },
    );
  });
});

function pixels(seed: number): number[] {
  return Array.from({ length: 2304 }, (_, at) => (at * seed) % 256);
}

function row(seed: number): string {
  return `${seed % 7},${pixels(seed).join(" ")},${seed % 2 === 0 ? "Training" : "PublicTest"}`;
}

function parse(text: string): Uint8Array {
  return parseFerPixels(new TextEncoder().encode(text));
}

describe("FER2013 files", () => {
  const spec: InputSpec = { kind: "objects", format: "fer2013-csv", objects: [{ key: "fer.csv", id: "fer" }] };

  it("ranges the pixels of every row, with label and usage", async () => {
    const text = `emotion,pixels,Usage\n${[1, 2, 3].map(row).join("\r\n")}\n9,1 2,Training\n4\n5,"${pixels(5).join(" ")}",x`;
    const store = await fill({ "fer.csv": text });
    const { items, issues } = await planAll(store, spec);
    expect(items.map((item) => [item.id, item.label, item.groups?.["usage"]])).toEqual([
      ["fer/2", "Disgust", "PublicTest"],
      ["fer/3", "Fear", "Training"],
      ["fer/4", "Happy", "PublicTest"],
      ["fer/7", "Surprise", "x"],
    ]);
    expect(issues.map((issue) => [issue.line, issue.code])).toEqual([
      [5, "label_unknown"],
      [6, "line_invalid"],
    ]);
    for (const [at, seed] of [1, 2, 3, 5].entries()) {
      const read = await readItem(store, items[at]!, { maxBytes: 20_000 });
      if (read.kind !== "bytes") throw new Error(read.kind);
      expect([...parseFerPixels(read.bytes)]).toEqual(pixels(seed));
    }
    await expectSameForEveryPage(store, spec, 10_000);
  });

  it("finds columns in any order and refuses a file without pixels", async () => {
    const store = await fill({ "fer.csv": `Usage,pixels,emotion\nx,${pixels(3).join(" ")},6` });
    const { items } = await planAll(store, spec);
    expect(items[0]).toMatchObject({ label: "Neutral", groups: { usage: "x" } });
    const none = await planAll(await fill({ "fer.csv": "a,b\n1,2\n" }), spec);
    expect(none.items).toEqual([]);
    expect(none.issues.map((issue) => [issue.line, issue.code])).toEqual([[1, "input_invalid"]]);
    const twice = await planAll(await fill({ "fer.csv": "emotion,pixels,emotion\n1,2,3\n" }), spec);
    expect(twice.issues.map((issue) => [issue.line, issue.code])).toEqual([[1, "input_invalid"]]);
    const oldMac = await planAll(await fill({ "fer.csv": `emotion,pixels\r3,${pixels(3).join(" ")}\r` }), spec);
    expect(oldMac.items.map(({ id, label }) => [id, label])).toEqual([["fer/2", "Happy"]]);
  });

  it("refuses pixels that are not 2,304 numbers of 0 to 255", () => {
    expect(() => parse("1 2 3")).toThrow(/3 pixels/);
    expect(() => parse(`${pixels(1).join(" ")} 7`)).toThrow(/2305 pixels/);
    expect(() => parse(pixels(1).join(" ").replace("17 ", "256 "))).toThrow(/above 255/);
    expect(() => parse(pixels(1).join(","))).toThrow(/not a number/);
  });
});
