import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createEtagMemory, type EtagMemory } from "../../../../src/storage/filesystem/file-content.ts";
import { createFilesystemStore } from "../../../../src/storage/filesystem/filesystem-store.ts";

/** Etags of large files, which the threads of a local run tell each other. */

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-etags-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const large = (fill: number): Uint8Array => new Uint8Array(3 * 2 ** 20).fill(fill);
const etagOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex").slice(0, 32);

it("reads a large file for its etag once for all stores that share a memory, and again when it changed", async () => {
  const hashed: string[] = [];
  const etags = createEtagMemory();
  const memory: EtagMemory = {
    recallEtag: etags.recallEtag,
    async rememberEtag(file, etag) {
      hashed.push(etag);
      return etags.rememberEtag(file, etag);
    },
  };
  const stores = [1, 2].map(() => createFilesystemStore(folder, memory));
  const readEtags = () => Promise.all(stores.map(async (store) => (await store.head("a.csv"))?.etag));

  await writeFile(join(folder, "a.csv"), large(1));
  await stores[0]!.list({ prefix: "" });
  expect(await readEtags()).toEqual([etagOf(large(1)), etagOf(large(1))]);
  expect(hashed).toEqual([etagOf(large(1))]);

  await writeFile(join(folder, "a.csv"), large(2));
  expect((await stores[0]!.head("a.csv"))?.etag).toBe(etagOf(large(2)));
  const stale = await stores[1]!.read("a.csv", { ifMatch: etagOf(large(1)), maxBytes: 1e9 });
  expect(stale.kind).toBe("changed");
  expect(hashed).toEqual([etagOf(large(1)), etagOf(large(2))]);
});

it("forgets the oldest of ten thousand", async () => {
  const { recallEtag, rememberEtag } = createEtagMemory();
  for (let n = 0; n <= 10_000; n++) await rememberEtag(`file ${n}`, `etag ${n}`);
  expect(await recallEtag("file 0")).toBeNull();
  expect(await recallEtag("file 1")).toBe("etag 1");
  expect(await recallEtag("file 10000")).toBe("etag 10000");
});

it("gives a put and a finished upload the etag that reading them gives", async () => {
  const store = createFilesystemStore(join(folder, "out"));
  const put = await store.put("small", new Uint8Array([1, 2, 3]));
  expect(put).toEqual({ kind: "stored", etag: (await store.head("small"))?.etag });
  const parts = [new Uint8Array(5 * 2 ** 20).fill(7), new Uint8Array([8])];
  const upload = await store.createMultipart("large");
  const done = await Promise.all(parts.map((part, at) => upload.uploadPart(at + 1, part)));
  const { etag } = await upload.complete(done);
  expect(etag).toBe(etagOf(Buffer.concat(parts)));
  expect((await store.head("large"))?.etag).toBe(etag);
});
