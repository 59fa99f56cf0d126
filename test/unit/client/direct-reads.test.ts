import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { readDirectly } from "../../../src/client/compute/direct-reads.ts";
import { createWorkRunner } from "../../../src/client/compute/work-runner.ts";
import type { ClientLease } from "../../../src/scoring/client-compute/protocol.ts";
import type { ScoreRecord } from "../../../src/scoring/records/records.ts";
import { createMemoryStore } from "../../../src/storage/memory-store.ts";
import type { ObjectStore } from "../../../src/storage/object-store.ts";
import { createS3Store } from "../../../src/storage/s3/s3-store.ts";
import { type S3Server, startS3Server } from "../../contract/s3-server.ts";
import { decoder } from "../../fault/scene.ts";
import { stripes } from "../../golden/stripes.ts";

/** A client that reads the bucket itself: the versions that were listed, or nothing. */

let server: S3Server;
beforeAll(async () => {
  server = await startS3Server();
});
afterAll(() => server.close());
afterAll(() => vi.unstubAllEnvs());

const picture = await readFile(join(import.meta.dirname, "../../golden/images/grey-48x48.png"));

/** Two single pictures, and two that lie side by side in one object, as a lease of them. */
async function fill(store: ObjectStore): Promise<ClientLease> {
  const pack = Buffer.concat([picture, picture]);
  for (const key of ["a.png", "b.png"]) await store.put(key, picture);
  await store.put("pack.tar", pack);
  const etag = async (key: string): Promise<string> => (await store.head(key))!.etag;
  const single = async (index: number, key: string) => {
    const item = { index, id: key, key, size: picture.length, etag: await etag(key) };
    return { item, url: `/read/${key}` };
  };
  const packed = async (index: number, offset: number) => {
    const range = { offset, length: picture.length };
    const at = { index, id: `pack.tar/${offset}`, key: "pack.tar", size: picture.length, etag: await etag("pack.tar") };
    return { item: { ...at, range }, url: `/read/pack/${offset}` };
  };
  const run = { key: "pack.tar", range: { offset: 0, length: pack.length }, url: "/read/run" };
  return {
    kind: "lease",
    jobId: "job",
    chunkId: "000000000",
    nonce: "nonce",
    attempt: 1,
    leaseMs: 60_000,
    task: {
      model: "stripes@1",
      modelSha256: "",
      pipeline: 1,
      tta: "none",
      format: "image",
      faces: { mode: "aligned", minFacePixels: 24, minFaceScore: 0.5, faceDetail: "normal" },
      maxImageBytes: 1e6,
    },
    items: [await single(0, "a.png"), await single(1, "b.png"), await packed(2, 0), await packed(3, picture.length)],
    runs: { maxRunBytes: 1e6, maxGapBytes: 0, reads: [run] },
  };
}

it("scores a lease from a bucket with what the AWS SDK finds on the machine, and asks the server for nothing", async () => {
  const { endpoint, region, credentials, bucket } = server.config;
  const lease = await fill(createS3Store(server.config));
  vi.stubEnv("AWS_ENDPOINT_URL_S3", endpoint);
  vi.stubEnv("AWS_REGION", region);
  vi.stubEnv("AWS_ACCESS_KEY_ID", credentials.accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", credentials.secretAccessKey);
  const store = createS3Store({ bucket, forcePathStyle: true });
  const run = createWorkRunner({
    openScorer: async () => ({ decoder, classifier: stripes, finder: null }),
    read: () => Promise.reject(new Error("the server was asked")),
    readLease: (one) => readDirectly(one, store),
  });
  const reply = await run({ kind: "lease", lease });
  expect(reply).toMatchObject({ kind: "done" });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the runner's own answer
  const records = (reply as unknown as { value: readonly ScoreRecord[] }).value;
  expect(records.map(({ id, status, etag }) => [id, status, etag])).toEqual(
    lease.items.map(({ item }) => [item.id, "scored", item.etag]),
  );
});

describe("what is not the listed version", () => {
  it("is changed or missing, and what a lease does not name is not read", async () => {
    const store = createMemoryStore();
    const lease = await fill(store);
    const read = readDirectly(lease, store);
    expect([...(await read("/read/pack/0")).bytes]).toEqual([...picture]);
    await store.put("a.png", "another");
    await store.delete(["b.png"]);
    await store.put("pack.tar", "another");
    await expect(read("/read/a.png")).rejects.toMatchObject({ code: "object_changed" });
    await expect(read("/read/b.png")).rejects.toMatchObject({ code: "object_missing" });
    await expect(read("/read/run")).rejects.toMatchObject({ code: "object_changed" });
    await expect(read("/read/other")).rejects.toMatchObject({ code: "internal" });
  });

  it("is refused where it is larger than a picture may be", async () => {
    const store = createMemoryStore();
    const lease = await fill(store);
    const small = { ...lease, task: { ...lease.task, maxImageBytes: 10 } };
    await expect(readDirectly(small, store)("/read/a.png")).rejects.toMatchObject({ code: "object_too_large" });
  });
});
