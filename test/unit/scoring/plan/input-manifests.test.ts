import { concatUint8Arrays } from "uint8array-extras";
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { InputSpec } from "../../../../src/scoring/manifest/input-spec.ts";
import { planInputPage } from "../../../../src/scoring/plan/plan-page.ts";
import type { ObjectStore } from "../../../../src/storage/object-store.ts";
import { expectSameForEveryPage, fill, LIMIT, manifest, planAll } from "./input-fixtures.ts";

/** How many inputs the list names, then line, column and code of each finding. */
const findings = async (text: string) => {
  const { items, issues } = await planAll(await fill({ "m.csv": text }), manifest("m.csv"));
  return [items.length, ...issues.map(({ line, column, code }) => [line, column, code])];
};

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

  it("does not choose between a label and a truth", async () => {
    const text =
      '{"key":"a","label":"Happy","truth":"Sad"}\n{"key":"b","label":3,"truth":"Happy"}\n{"key":"c","truth":0}';
    const { items, issues } = await planAll(await fill({ m: text }), manifest("m"));
    expect(items.map(({ key, label }) => [key, label])).toEqual([["c", "Angry"]]);
    expect(issues.map(({ line, path, code }) => [line, path, code])).toEqual([
      [1, "m.truth", "label_ambiguous"],
      [2, "m.truth", "label_ambiguous"],
    ]);
  });

  it("repeats a wrong size in its finding, and nothing that a terminal obeys", async () => {
    const { issues } = await planAll(await fill({ m: '{"key":"a","size":"\u202e0x10"}' }), manifest("m"));
    expect(issues.map(({ message }) => message)).toEqual([
      'the size must be a whole number of bytes in digits, not "%E2%80%AE0x10"',
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
    expect(issues).toEqual([{ path: "m", line: 1, code: "line_invalid", message: "the line is not UTF-8" }]);
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
        const store = await fill({ m: concatUint8Arrays(members) });
        const { items, issues } = await planAll(store, manifest("m"), { ...LIMIT, maxItems, maxInflateRatio: 2000 });
        expect([items, issues]).toEqual([expected, []]);
      }),
      { numRuns: 60 },
    );
  });

  it("refuses gzip of several members if any byte of a checksum is wrong, or anything follows or is missing", async () => {
    const members = ["{}", '{"key":"a"}\n'.repeat(30), '{"key":"b"}\n'].map((text) => gzipSync(text));
    const whole = concatUint8Arrays(members);
    const ends = members.map((_, at) => concatUint8Arrays(members.slice(0, at + 1)).length);
    const flips = ends.flatMap((end) => Array.from({ length: 8 }, (_, at) => end - 8 + at));
    const broken = [
      ...flips.map((at) => whole.map((byte, index) => (index === at ? byte ^ 1 : byte))),
      ...[1, 4, 8, 12, 20].map((bytes) => whole.slice(0, -bytes)),
      ...[1, 3, 8, 30].map((bytes) => concatUint8Arrays([whole, new Uint8Array(bytes)])),
    ];
    for (const m of broken) {
      const planned = planAll(await fill({ m }), manifest("m"), { ...LIMIT, maxInflateRatio: 2000 });
      await expect(planned).rejects.toMatchObject({ code: "validation_failed" });
    }
    const bomb = concatUint8Arrays([gzipSync('{"key":"a"}\n'), gzipSync(new Uint8Array(4 * 1024 * 1024))]);
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

describe("a list of garbage", () => {
  it("is read to its hundredth finding, not to its end", async () => {
    const good = '{"key":"good.jpg"}\n';
    const store = await fill({ "m.jsonl": `${"{}\n".repeat(LIMIT.maxIssues)}${"x".repeat(2 ** 21)}\n${good}` });
    let read = 0;
    const counted: ObjectStore = {
      ...store,
      read(...args) {
        read += 1;
        return store.read(...args);
      },
    };
    const page = await planInputPage(counted, manifest("m.jsonl"), null, LIMIT);
    expect(page).toMatchObject({ items: [], droppedIssues: 0 });
    expect(page.issues).toHaveLength(LIMIT.maxIssues);
    // The magic number and the first window.
    expect(read).toBe(2);
    const rest = await planAll(store, manifest("m.jsonl"));
    expect(rest.items.map(({ key }) => key)).toEqual(["good.jpg"]);
  });

  /** Honest lists are nowhere near the ratio, blank lines are. */
  const inflating = { ...LIMIT, maxInflateRatio: 2000 };

  it.each(["\n", " \n", `${" ".repeat(1000)}\n`])("passes over blank lines for so many bytes: %j", async (line) => {
    const fit = Math.floor(LIMIT.maxBlankBytes / line.length);
    for (const body of [line.repeat(fit), line.repeat(fit + 1)]) {
      const text = `${body}{"key":"a"}`;
      const store = await fill({ "m.jsonl": text, "m.jsonl.gz": gzipSync(text) });
      for (const key of ["m.jsonl", "m.jsonl.gz"]) {
        const { items, issues } = await planAll(store, manifest(key), inflating);
        const isFit = body.length === fit * line.length;
        expect([items.length, issues.map((issue) => [issue.code, issue.line])]).toEqual(
          isFit ? [1, []] : [0, [["line_invalid", fit + 1]]],
        );
      }
    }
  });

  it("of gzip ends in its first page", async () => {
    const lines = 2 ** 21;
    const store = await fill({ "m.jsonl.gz": gzipSync("\n".repeat(lines)) });
    const { issues, pages } = await planAll(store, manifest("m.jsonl.gz"), inflating);
    expect([pages, issues.map(({ line }) => line)]).toEqual([1, [LIMIT.maxBlankBytes + 1]]);
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

  it("reads lines that end with CR alone", async () => {
    const store = await fill({ "m.csv": "key,label\ra.jpg,Happy\rb.jpg,Sad\r", m: '{"key":"a"}\r{"key":"b"}' });
    const csv = await planAll(store, manifest("m.csv"));
    expect(csv.items.map(({ key, label }) => [key, label])).toEqual([
      ["a.jpg", "Happy"],
      ["b.jpg", "Sad"],
    ]);
    expect((await planAll(store, manifest("m"))).items.map(({ key }) => key)).toEqual(["a", "b"]);
  });

  it("names the column of a header that says something twice", async () => {
    expect(await findings("key,site,site\na.jpg,x,y\n")).toEqual([0, [1, 3, "header_invalid"]]);
    expect(await findings("key,label,Truth\na.jpg,Happy,Sad\n")).toEqual([0, [1, 3, "header_invalid"]]);
    expect(await findings("key,Key,versionid,version_id\n")).toEqual([
      0,
      [1, 2, "header_invalid"],
      [1, 4, "header_invalid"],
    ]);
    // Spreadsheets leave empty columns behind.
    expect(await findings("key,,\na.jpg,,\n")).toEqual([1]);
  });

  it("does not take for a row what looks like a header", async () => {
    expect(await findings("site,key\nx,a.jpg\n")).toEqual([0, [1, 1, "header_invalid"]]);
    expect(await findings("path,label\na.jpg,Happy\nb.jpg,Sad\n")).toEqual([0, [1, 2, "header_invalid"]]);
    // No column of these has a meaning: the first row names the bucket "file", which no other row does.
    expect(await findings("file,emotion\na.jpg,Happy\nb.jpg,Sad\n")).toEqual([
      1,
      [2, 1, "bucket_mismatch"],
      [3, 1, "bucket_mismatch"],
    ]);
    expect(await findings("Bucket,Key\nfaces,label\n")).toEqual([1]);
  });

  it("reads one bucket, on whatever page its rows are", async () => {
    const text = `${"faces,a.jpg\n".repeat(20)}other,b.jpg\n`;
    const store = await fill({ "m.csv": text });
    const { issues } = await planAll(store, manifest("m.csv"));
    expect(issues.map(({ line, column, code }) => [line, column, code])).toEqual([[21, 1, "bucket_mismatch"]]);
    await expectSameForEveryPage(store, manifest("m.csv"));
  });

  it("takes a size in digits alone", async () => {
    const sizes = [" ", "0x10", "1e3", "1.0", "-1", "+1", " 5", "9".repeat(17), "five"];
    for (const size of sizes) {
      expect(await findings(`key,note,size\na.jpg,,"${size}"\n`), `size ${size}`).toEqual([0, [2, 3, "size_invalid"]]);
    }
    expect(await findings("key,size\na.jpg,0\nb.jpg,0012\nc.jpg,\n")).toEqual([3]);
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
