import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readManifest } from "../../cli/remote/read-manifest.ts";
import { type Api, createApi } from "../../src/client/api.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { parsePart } from "../../src/scoring/records/record-line.ts";
import type { ObjectStore } from "../../src/storage/object-store.ts";
import { createS3Store } from "../../src/storage/s3/s3-store.ts";
import { type S3Server, startS3Server } from "../contract/s3-server.ts";
import { ADMIN, type Deployment, nameOwnStore, startPlatform } from "./platform.ts";

/** Faces in an S3 store, outputs in R2: a job over two stores, and one over what it could not read. */

const pictures = join(import.meta.dirname, "../golden/images");
let folder = "";
let remote: S3Server;
let worker: Deployment;
let store: ObjectStore;
let api: Api;
let keys: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-cross-store-"));
  remote = await startS3Server();
  store = createS3Store(remote.config);
  const { credentials, ...place } = remote.config;
  const variables = {
    STORES: JSON.stringify({ faces: nameOwnStore(folder), "far-away": { kind: "s3", ...place } }),
    STORE_FAR_AWAY_ACCESS_KEY_ID: credentials.accessKeyId,
    STORE_FAR_AWAY_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
  worker = await startPlatform({ persistTo: folder, variables });
  api = createApi({ baseUrl: worker.origin, key: ADMIN });
  const names = (await readdir(pictures)).filter((name) => /^q\d+-.*\.jpg$/.test(name)).sort();
  for (const name of names) await store.put(`in/${name}`, new Uint8Array(await readFile(join(pictures, name))));
  await store.put("in/broken.jpg", "no picture yet");
  keys = ["in/broken.jpg", ...names.map((name) => `in/${name}`)];
});
afterAll(async () => {
  await worker?.stop();
  await remote?.close();
  await rm(folder, { recursive: true, force: true });
});

async function follow(id: string): Promise<JobView> {
  let job = await api.readJob(id);
  for await (const event of api.followJob(id, new AbortController().signal)) job = event.job;
  return job;
}

async function readLabels(id: string): Promise<ReturnType<typeof parsePart>> {
  return parsePart(new Uint8Array(await (await api.request("GET", `/v1/jobs/${id}/labels`)).arrayBuffer()));
}

it("reads an S3 store, writes to its own store, and takes up there what failed", async () => {
  const manifest = {
    faces: "aligned",
    input: { store: "far-away", prefix: "in/" },
    output: { store: "faces" },
    limits: { chunkSize: 2 },
  } as const;
  expect(await api.planJob(manifest)).toMatchObject({ objects: keys.length, complete: true });
  const job = await follow((await api.submitJob(manifest)).id);
  expect(job).toMatchObject({ status: "completed_with_errors", output: { store: "faces" } });
  expect(job.counts.outcomes).toMatchObject({ scored: keys.length - 1, failed: 1 });
  expect((await readLabels(job.id)).map(({ key, status }) => [key, status])).toEqual(
    keys.map((key, at) => [key, at === 0 ? "failed" : "scored"]),
  );
  // Nothing was written where the faces are.
  expect((await store.list({ prefix: "" })).objects.map(({ key }) => key)).toEqual(keys);
  const verified = await (await api.request("GET", `/v1/jobs/${job.id}/verify?sample=4`)).json();
  expect(verified).toMatchObject({ passed: true });

  await store.put("in/broken.jpg", new Uint8Array(await readFile(join(pictures, "q90-47x49.jpg"))));
  const retried = await follow((await api.commandJob(job.id, "retry-failed")).id);
  // A whole object is taken as it now is: repaired, it is scored.
  expect(retried).toMatchObject({ status: "completed", retryOf: job.id });
  expect((await readLabels(retried.id)).map(({ key, status }) => [key, status])).toEqual([["in/broken.jpg", "scored"]]);
  expect((await store.list({ prefix: "" })).objects.map(({ key }) => key)).toEqual(keys);
});

it("takes a list of one store for inputs of another, as the command line names them", async () => {
  await api.upload(
    "faces",
    "lists/some.jsonl",
    new TextEncoder().encode(`{"key":"${keys[1]}"}\n{"key":"${keys[2]}"}\n`),
  );
  const flags = { store: "far-away", list: "lists/some.jsonl", "list-store": "faces", "output-store": "faces" };
  const manifest = await readManifest(flags);
  expect(await api.planJob(manifest)).toMatchObject({ objects: 2 });
  const job = await follow((await api.submitJob(manifest)).id);
  expect(job.status).toBe("completed");
  expect((await readLabels(job.id)).map(({ key }) => key)).toEqual(keys.slice(1, 3));
});

it("refuses a list in a store that does not exist", async () => {
  const input = { store: "far-away", manifest: { store: "nowhere", key: "list.jsonl" } };
  await expect(api.submitJob({ input, output: { store: "faces" } })).rejects.toMatchObject({
    code: "validation_failed",
    issues: [{ path: "input.manifest.store", code: "unknown_store" }],
  });
});
