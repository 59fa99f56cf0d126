import { execFileSync } from "node:child_process";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readHeader } from "../../../../src/image/guard.ts";
import { readItem } from "../../../../src/scoring/inputs/read-item.ts";
import type { InputSpec } from "../../../../src/scoring/manifest/input-spec.ts";
import { expectSameForEveryPage, fill, planAll } from "./input-fixtures.ts";

/** What GNU, Solaris and pax archivers write beside plain members. */

const spec: InputSpec = { kind: "objects", format: "tar", objects: [{ key: "s.tar", id: "s" }] };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-tar-"));
  await writeFile(join(folder, "b.jpg"), "picture");
  // More islands than an old header's map holds: it goes on in blocks of its own.
  const file = await open(join(folder, "a.jpg"), "w");
  for (let island = 0; island < 60; island++) await file.write("x".repeat(4096), island * 16_384);
  await file.truncate(2_000_000);
  await file.close();
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function archive(...options: readonly string[]): Buffer {
  return execFileSync("tar", [...options, "-cf", "-", "-C", folder, "a.jpg", "b.jpg"]);
}

/** A header block with its checksum, and its data. */
function member(type: string, name: string, data: string): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0);
  block.write("0000644\0", 100);
  block.write(`${Buffer.byteLength(data).toString(8).padStart(11, "0")}\0`, 124);
  block.write(`00000000000\0        ${type}`, 136);
  block.write("ustar\x0000", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const body = Buffer.alloc(Math.ceil(Buffer.byteLength(data) / 512) * 512);
  body.write(data);
  return Buffer.concat([block, body]);
}

function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const length = rest.length + String(rest.length + 2).length;
  return `${length}${rest}`;
}

describe("sparse members", () => {
  it.each([
    ["old GNU", ["--format=gnu"]],
    ["pax 0.0", ["--format=pax", "--sparse-version=0.0"]],
    ["pax 0.1", ["--format=pax", "--sparse-version=0.1"]],
    ["pax 1.0", ["--format=pax", "--sparse-version=1.0"]],
  ])("%s: are refused alone, and the shard goes on", async (_, options) => {
    const store = await fill({ "s.tar": archive(...options, "--sparse", "--hole-detection=raw") });
    const { items, issues } = await planAll(store, spec);
    expect(issues).toEqual([]);
    expect(items.map(({ id }) => id)).toEqual(["s/a.jpg", "s/b.jpg"]);
    const [sparse, plain] = await Promise.all(items.map((item) => readItem(store, item, { maxBytes: 10_000 })));
    if (sparse?.kind !== "bytes" || plain?.kind !== "bytes") throw new Error("not read");
    expect(() => readHeader(sparse.bytes)).toThrow(/looks like a (sparse member of a )?tar archive/);
    expect(new TextDecoder().decode(plain.bytes)).toBe("picture");
    await expectSameForEveryPage(store, spec);
  });

  it("of old GNU headers are called so", async () => {
    const store = await fill({ "s.tar": archive("--format=gnu", "--sparse", "--hole-detection=raw") });
    const { items } = await planAll(store, spec);
    const read = await readItem(store, items[0]!, { maxBytes: 10_000 });
    expect(() => readHeader(read.kind === "bytes" ? read.bytes : new Uint8Array(0))).toThrow(
      "looks like a sparse member of a tar archive",
    );
  });

  it("whose map never ends are a finding", async () => {
    const whole = archive("--format=gnu", "--sparse", "--hole-detection=raw");
    const endless = Buffer.concat([whole.subarray(0, 512), Buffer.alloc(4_000_000, 1)]);
    const { issues } = await planAll(await fill({ "s.tar": endless }), spec);
    expect(issues.map(({ code }) => code)).toEqual(["input_invalid"]);
  });
});

describe("extended headers", () => {
  const end = Buffer.alloc(1024);

  it("of Solaris (X) name their member as pax headers do", async () => {
    const name = `${"n".repeat(150)}.jpg`;
    const shard = Buffer.concat([member("X", "X", record("path", name)), member("0", "short.jpg", "picture"), end]);
    const { items, issues } = await planAll(await fill({ "s.tar": shard }), spec);
    expect([items.map(({ id }) => id), issues]).toEqual([[`s/${name}`], []]);
  });

  it("for all members (g) are passed over if they name nothing, and refused if they do", async () => {
    const picture = member("0", "a.jpg", "picture");
    const comment = Buffer.concat([member("g", "pax_global_header", record("comment", "a commit")), picture, end]);
    const told = await planAll(await fill({ "s.tar": comment }), spec);
    expect([told.items.map(({ id }) => id), told.issues]).toEqual([["s/a.jpg"], []]);
    for (const key of ["path", "size", "GNU.sparse.name"]) {
      const shard = Buffer.concat([member("g", "g", record(key, "7")), picture, end]);
      const { items, issues } = await planAll(await fill({ "s.tar": shard }), spec);
      expect(items, `pax ${key}`).toEqual([]);
      expect(issues.map(({ code, message }) => [code, message.includes(key)])).toEqual([["input_invalid", true]]);
    }
  });
});
