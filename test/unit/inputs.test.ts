import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { packTar } from "modern-tar";
import { describe, expect, it } from "vitest";
import type { Issue } from "../../src/errors.ts";
import { parseFerPixels } from "../../src/scoring/inputs/fer2013-items.ts";
import { createIdSet } from "../../src/scoring/inputs/id-set.ts";
import type { InputSpec, PlanLimits } from "../../src/scoring/inputs/input-spec.ts";
import { planInputPage } from "../../src/scoring/inputs/plan-page.ts";
import { createItemReader } from "../../src/scoring/inputs/item-reader.ts";
import { readItem } from "../../src/scoring/inputs/read-item.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import type { InputItem } from "../../src/scoring/records.ts";
import { createMemoryStore } from "../../src/storage/memory-store.ts";
import type { ObjectStore } from "../../src/storage/object-store.ts";
import { joinBytes } from "../../src/storage/bytes.ts";
import { withRetry } from "../../src/storage/retry.ts";
import { createFaultStore, createRandom, createSeededSchedule, HEALABLE_RATES } from "../fault/fault-store.ts";

const LIMIT: PlanLimits = LIMITS.plan;

/** All pages joined, as a job plans them. Fails if a page breaks its own limits or planning does not end. */
async function planAll(
  store: ObjectStore,
  input: InputSpec,
  limits: PlanLimits = LIMIT,
): Promise<{ items: InputItem[]; issues: Issue[]; pages: number }> {
  const items: InputItem[] = [];
  const issues: Issue[] = [];
  let cursor: string | null = null;
  for (let pages = 1; pages < 5000; pages++) {
    const page = await planInputPage(store, input, cursor, limits);
    expect(page.items.length).toBeLessThanOrEqual(limits.maxItems);
    items.push(...page.items);
    issues.push(...page.issues);
    cursor = page.cursor;
    if (cursor === null) return { items, issues, pages };
    expect(cursor.length).toBeLessThan(8192);
  }
  throw new Error("planning does not end");
}

/** Page sizes, read budgets and windows small enough that every edge is met. */
const tightLimits = fc.record({
  maxItems: fc.integer({ min: 1, max: 9 }),
  maxReads: fc.integer({ min: 4, max: 12 }),
  windowBytes: fc.constantFrom(512, 700, 1024, 65_536),
});

async function fill(objects: Readonly<Record<string, string | Uint8Array>>): Promise<ObjectStore> {
  const store = createMemoryStore();
  for (const [key, body] of Object.entries(objects)) await store.put(key, body);
  return store;
}

function image(prefix: string): InputSpec {
  return { kind: "prefix", format: "image", prefix };
}

function manifest(key: string, format: InputSpec["format"] = "image"): InputSpec {
  return { kind: "manifest", format, key };
}

/** Items and issues must not depend on how planning was cut into pages. */
async function expectSameForEveryPage(store: ObjectStore, input: InputSpec, maxLineBytes = 500): Promise<void> {
  const whole = await planAll(store, input, { ...LIMIT, maxLineBytes });
  await fc.assert(
    fc.asyncProperty(tightLimits, async (tight) => {
      const cut = await planAll(store, input, { ...LIMIT, ...tight, maxLineBytes });
      expect(cut.items).toEqual(whole.items);
      expect(cut.issues).toEqual(whole.issues);
    }),
    { numRuns: 40 },
  );
}

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

describe("a JSONL manifest", () => {
  const lines = [
    '{"key":"a.jpg","label":3,"groups":{"site":"x","night":true}}',
    "",
    "not json",
    '{"key":"b.jpg","id":"B","etag":"e","size":5,"extra":[1]}\r',
    '{"id":"no key"}',
    '{"key":"c.tar","range":{"offset":512,"length":9},"truth":"Sad","label":null,"error":{"code":"x"}}',
    `{"key":"${"x".repeat(70_000)}"}`,
    "[1,2]",
    '{"key":"last.jpg"}',
  ];

  it("reads entries and names the lines that are none", async () => {
    const store = await fill({ "m.jsonl": `\ufeff${lines.join("\n")}` });
    const { items, issues } = await planAll(store, manifest("m.jsonl"));
    expect(items).toEqual([
      {
        index: 0,
        id: "a.jpg",
        key: "a.jpg",
        size: null,
        etag: null,
        label: "Happy",
        groups: { site: "x", night: "true" },
      },
      { index: 1, id: "B", key: "b.jpg", size: 5, etag: "e" },
      { index: 2, id: "c.tar", key: "c.tar", size: null, etag: null, label: "Sad", range: { offset: 512, length: 9 } },
      { index: 3, id: "last.jpg", key: "last.jpg", size: null, etag: null },
    ]);
    expect(issues.map((issue) => [issue.line, issue.code])).toEqual([
      [3, "line_invalid"],
      [5, "key_invalid"],
      [7, "line_too_long"],
      [8, "line_invalid"],
    ]);
  });

  it("gives the same at every page size, plain and gzip", async () => {
    const many = Array.from({ length: 25 }, (_, number) =>
      lines.map((line) => line.replace("a.jpg", `a${number}.jpg`)),
    );
    const text = many.flat().join("\n");
    const store = await fill({ "m.jsonl": text, "m.jsonl.gz": gzipSync(text) });
    await expectSameForEveryPage(store, manifest("m.jsonl"));
    const plain = await planAll(store, manifest("m.jsonl"));
    const zipped = await planAll(store, manifest("m.jsonl.gz"), { ...LIMIT, maxItems: 7, maxInflateRatio: 2000 });
    expect(zipped.items).toEqual(plain.items);
    expect(zipped.issues.map((issue) => issue.line)).toEqual(plain.issues.map((issue) => issue.line));
  });

  it("rejects lines that are not UTF-8", async () => {
    const bytes = new Uint8Array([
      ...new TextEncoder().encode('{"key":"a'),
      0xff,
      ...new TextEncoder().encode('"}\n{"key":"b"}\n'),
    ]);
    const { items, issues } = await planAll(await fill({ m: bytes }), manifest("m"));
    expect(items.map((item) => item.key)).toEqual(["b"]);
    expect(issues).toEqual([{ path: "m", line: 1, code: "line_invalid", message: "The line is not UTF-8." }]);
  });

  it("fails when the manifest is missing, is another version, or changes between pages", async () => {
    const store = await fill({ m: '{"key":"a"}\n{"key":"b"}\n' });
    await expect(planAll(store, manifest("none"))).rejects.toMatchObject({ code: "not_found" });
    const pinned: InputSpec = { kind: "manifest", format: "image", key: "m", etag: "other" };
    await expect(planAll(store, pinned)).rejects.toMatchObject({ code: "manifest_lost" });
    const first = await planInputPage(store, manifest("m"), null, { ...LIMIT, maxItems: 1 });
    await store.put("m", '{"key":"x"}\n{"key":"y"}\n');
    await expect(planInputPage(store, manifest("m"), first.cursor, LIMIT)).rejects.toMatchObject({
      code: "manifest_lost",
    });
    await expect(planInputPage(store, manifest("m"), "foreign", LIMIT)).rejects.toMatchObject({
      code: "manifest_lost",
    });
  });

  it("reads gzip of several members whole, however it was cut", async () => {
    const text = Array.from({ length: 60 }, (_, number) => `{"key":"in/${number}.jpg","label":${number % 7}}`).join(
      "\n",
    );
    const expected = (await planAll(await fill({ m: text }), manifest("m"))).items;
    const cuts = fc.array(fc.nat(text.length), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(cuts, fc.integer({ min: 1, max: 70 }), async (places, maxItems) => {
        const sorted = [0, ...places.toSorted((a, b) => a - b), text.length];
        const members = sorted.slice(1).map((end, at) => gzipSync(text.slice(sorted[at], end)));
        const store = await fill({ m: joinBytes(members) });
        const { items, issues } = await planAll(store, manifest("m"), { ...LIMIT, maxItems, maxInflateRatio: 2000 });
        expect([items, issues]).toEqual([expected, []]);
      }),
      { numRuns: 60 },
    );
  });

  it("refuses gzip of several members if any byte of a checksum is wrong, or anything follows or is missing", async () => {
    const members = ["{}", '{"key":"a"}\n'.repeat(30), '{"key":"b"}\n'].map((text) => gzipSync(text));
    const whole = joinBytes(members);
    const ends = members.map((_, at) => joinBytes(members.slice(0, at + 1)).length);
    const flips = ends.flatMap((end) => Array.from({ length: 8 }, (_, at) => end - 8 + at));
    const broken = [
      ...flips.map((at) => whole.map((byte, index) => (index === at ? byte ^ 1 : byte))),
      ...[1, 4, 8, 12, 20].map((bytes) => whole.slice(0, -bytes)),
      ...[1, 3, 8, 30].map((bytes) => joinBytes([whole, new Uint8Array(bytes)])),
    ];
    for (const m of broken) {
      const planned = planAll(await fill({ m }), manifest("m"), { ...LIMIT, maxInflateRatio: 2000 });
      await expect(planned).rejects.toMatchObject({ code: "validation_failed" });
    }
    const bomb = joinBytes([gzipSync('{"key":"a"}\n'), gzipSync(new Uint8Array(4 * 1024 * 1024))]);
    await expect(planAll(await fill({ bomb }), manifest("bomb"))).rejects.toMatchObject({ code: "validation_failed" });
  });

  it("refuses gzip bombs and broken gzip", async () => {
    const bomb = gzipSync(new Uint8Array(4 * 1024 * 1024));
    const broken = gzipSync('{"key":"a"}\n'.repeat(1000)).subarray(0, 40);
    const store = await fill({ bomb, broken });
    await expect(planAll(store, manifest("bomb"))).rejects.toMatchObject({ code: "validation_failed" });
    await expect(planAll(store, manifest("broken"))).rejects.toMatchObject({ code: "validation_failed" });
    const small = { ...LIMIT, maxInflatedBytes: 1000, maxInflateRatio: 1e6 };
    await expect(planAll(store, manifest("bomb"), small)).rejects.toMatchObject({ code: "validation_failed" });
  });
});

describe("a CSV manifest", () => {
  it("reads S3 Batch Operations' columns with URL-encoded keys", async () => {
    const store = await fill({ "m.csv": 'faces,a%20b.jpg\nfaces,"x%2Cy+z.jpg"\nfaces,%E0%A4\nfaces\nother,c.jpg\n' });
    const { items, issues } = await planAll(store, {
      kind: "manifest",
      format: "image",
      key: "m.csv",
      bucket: "faces",
    });
    expect(items.map((item) => item.key)).toEqual(["a b.jpg", "x,y z.jpg"]);
    expect(issues.map((issue) => [issue.line, issue.code])).toEqual([
      [3, "key_invalid"],
      [4, "line_invalid"],
      [5, "bucket_mismatch"],
    ]);
  });

  it("takes a version id only where the store has versions", async () => {
    const store = await fill({ "m.csv": "faces,a.jpg,v1\n" });
    const { issues } = await planAll(store, manifest("m.csv"));
    expect(issues.map((issue) => issue.code)).toEqual(["version_unsupported"]);
    const versioned = { ...store, capabilities: { versions: true } };
    expect((await planAll(versioned, manifest("m.csv"))).items[0]).toMatchObject({ key: "a.jpg", versionId: "v1" });
  });

  it("reads a header row, quotes, labels and groups", async () => {
    const text =
      'id,Key,label,site,note\r\n1,a%20b.jpg,Happy,x,"say ""hi"", twice"\r\n2,b.jpg,9,,\r\n3,c.jpg,"",,\r\n4,"open,,,\r\n';
    const store = await fill({ "m.csv": text });
    const { items, issues } = await planAll(store, manifest("m.csv"));
    expect(items).toEqual([
      {
        index: 0,
        id: "1",
        key: "a%20b.jpg",
        size: null,
        etag: null,
        label: "Happy",
        groups: { site: "x", note: 'say "hi", twice' },
      },
      { index: 1, id: "3", key: "c.jpg", size: null, etag: null },
    ]);
    expect(issues.map((issue) => [issue.line, issue.code])).toEqual([
      [3, "label_unknown"],
      [5, "line_invalid"],
    ]);
    await expectSameForEveryPage(store, manifest("m.csv"));
  });
});

/** A shard with labels before and after the pictures, nested folders, long names, and members that are no pictures. */
async function packShard(samples: number): Promise<Uint8Array> {
  const entries = [];
  const add = (name: string, body: Uint8Array | string): void => {
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    entries.push({ header: { name, size: bytes.length, type: "file" as const }, body: bytes });
  };
  entries.push({ header: { name: "dir/", size: 0, type: "directory" as const } });
  for (let number = 0; number < samples; number++) {
    const name = `dir/${number % 3 === 0 ? "long-".repeat(30) : ""}${number}`;
    const picture = new Uint8Array((number * 397) % 1500).fill(number);
    if (number % 2 === 0) add(`${name}.cls`, `${number % 7}\n`);
    add(`${name}.jpg`, picture);
    if (number % 4 === 0) add(`${name}.right.png`, picture);
    if (number % 2 === 1) add(`${name}.json`, JSON.stringify({ label: "Sad", groups: { cam: number } }));
    if (number % 5 === 0) add(`${name}.txt`, "a caption");
  }
  return packTar(entries);
}

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
  });

  it("refuses pixels that are not 2,304 numbers of 0 to 255", () => {
    expect(() => parse("1 2 3")).toThrow(/3 pixels/);
    expect(() => parse(`${pixels(1).join(" ")} 7`)).toThrow(/2305 pixels/);
    expect(() => parse(pixels(1).join(" ").replace("17 ", "256 "))).toThrow(/above 255/);
    expect(() => parse(pixels(1).join(","))).toThrow(/digits/);
  });
});

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
  it("reads neighbours in one request, with the same results", async () => {
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
        const budget = { spend: () => true, refill: () => undefined };
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

function item(id: string): InputItem {
  return { index: 0, id, key: id, size: null, etag: null };
}

describe("ids that occur twice", () => {
  it("are found over pages, up to the set's size", () => {
    const set = createIdSet(3);
    expect(set.check([item("a"), item("b")])).toEqual([]);
    expect(set.check([item("c"), item("a")]).map((issue) => issue.code)).toEqual(["id_duplicate"]);
    expect(set.complete).toBe(true);
    set.check([item("d")]);
    expect(set.complete).toBe(false);
  });

  it("differ for different ids", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { maxLength: 300 }), (ids) => {
        const items = ids.map(item);
        expect(createIdSet(1000).check(items)).toEqual([]);
      }),
    );
  });
});
