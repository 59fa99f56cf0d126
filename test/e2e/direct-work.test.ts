import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Api, createApi, type ManifestInput } from "../../src/client/api.ts";
import { createOpenJobsApi } from "../../src/client/open-jobs-api.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import type { ObjectStore } from "../../src/storage/object-store.ts";
import { createS3Store } from "../../src/storage/s3/s3-store.ts";
import { type S3Server, startS3Server } from "../contract/s3-server.ts";
import { stripReport } from "../golden/face-table.ts";
import { type FaultyProxy, startFaultyProxy } from "../long/faulty-proxy.ts";
import { ADMIN, type Deployment, nameOwnStore, startPlatform } from "./platform.ts";

/** A job over an S3 bucket that a machine beside the bucket computes as a whole: `countenance work <job> --direct <bucket>`. */

const root = join(import.meta.dirname, "../..");
const pictures = join(root, "test/golden/images");
let folder = "";
let remote: S3Server;
/** What the machine asks of the bucket passes here, and is counted; the server has a way of its own. */
let proxy: FaultyProxy;
let worker: Deployment;
let store: ObjectStore;
let api: Api;
let names: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-direct-work-"));
  remote = await startS3Server();
  store = createS3Store(remote.config);
  const { credentials, ...place } = remote.config;
  proxy = await startFaultyProxy(new URL(place.endpoint).origin);
  worker = await startPlatform({
    persistTo: folder,
    variables: {
      STORES: JSON.stringify({ faces: nameOwnStore(folder), beside: { kind: "s3", ...place } }),
      STORE_BESIDE_ACCESS_KEY_ID: credentials.accessKeyId,
      STORE_BESIDE_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      // Of each chunk the server scores four inputs again, and those without a label.
      VERIFY_SAMPLE: "4",
    },
  });
  api = createApi({ baseUrl: worker.origin, key: ADMIN });
  names = (await readdir(pictures)).filter((name) => /^q\d+-.*\.jpg$/.test(name)).sort();
  for (const name of names) await store.put(`in/${name}`, new Uint8Array(await readFile(join(pictures, name))));
});
afterAll(async () => {
  await worker?.stop();
  await proxy?.close();
  await remote?.close();
  await rm(folder, { recursive: true, force: true });
});

const manifest = (execution: "edge" | "client"): ManifestInput => ({
  faces: "aligned",
  input: { store: "beside", prefix: "in/" },
  output: { store: "faces" },
  limits: { chunkSize: 5 },
  execution,
});

async function follow(id: string): Promise<JobView> {
  let job = await api.readJob(id);
  for await (const event of api.followJob(id, new AbortController().signal)) job = event.job;
  return job;
}

const readText = async (id: string, name: string): Promise<string> =>
  (await api.request("GET", `/v1/jobs/${id}/outputs/${name}`)).text();

/** The machine beside the bucket: it knows the bucket by its own AWS credentials alone. */
function runWork(
  id: string,
  bucket: string,
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const { accessKeyId, secretAccessKey } = remote.config.credentials;
  const path = new URL(remote.config.endpoint).pathname;
  const env = {
    ...process.env,
    COUNTENANCE_URL: worker.origin,
    COUNTENANCE_KEY: ADMIN,
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${proxy.port}${path}`,
    AWS_REGION: "auto",
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
  const args = [join(root, "cli/countenance.ts"), "work", id, "--direct", bucket, "--threads", "2", "--json"];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

it("reads every picture from the bucket itself, and its job has the labels and report of the edge's", async () => {
  const edge = await api.submitJob(manifest("edge"));
  expect((await follow(edge.id)).status).toBe("completed");
  expect(proxy.struck().pass).toBe(0);
  const direct = await api.submitJob(manifest("client"));
  const { code, out, err } = await runWork(direct.id, remote.config.bucket);
  const chunks = Math.ceil(names.length / 5);
  expect([code, JSON.parse(out)]).toEqual([0, { chunks, records: names.length }]);
  expect(err).not.toContain("given back");
  // One read each, past the server.
  expect(proxy.struck().pass).toBe(names.length);
  expect(await follow(direct.id)).toMatchObject({ status: "completed", counts: { records: names.length } });
  expect(await readText(direct.id, "labels.jsonl")).toBe(await readText(edge.id, "labels.jsonl"));
  expect(stripReport(await api.readReport(direct.id), direct.id)).toBe(
    stripReport(await api.readReport(edge.id), edge.id),
  );
  expect(JSON.parse(await readText(direct.id, "run.lock.json"))).toMatchObject({
    engines: ["client:node"],
    receipt: { chunks: { edge: 0, client: chunks, expired: 0, rejected: 0 } },
  });
});

it("scores what comes into an open job, until its seal", async () => {
  const { input: _, ...rest } = manifest("client");
  const job = await api.submitJob({ ...rest, input: { store: "beside", prefix: "in/", open: true } });
  const jobs = createOpenJobsApi(api);
  const working = runWork(job.id, remote.config.bucket);
  const before = proxy.struck().pass;
  const { objects } = await store.list({ prefix: "in/" });
  await jobs.add(
    job.id,
    objects.slice(0, 5).map(({ key, etag, size }) => ({ key, etag, size })),
  );
  for await (const { job: seen } of api.followJob(job.id, new AbortController().signal)) {
    if (seen.counts.finished === 5) break;
  }
  await jobs.add(
    job.id,
    objects.slice(5).map(({ key, etag, size }) => ({ key, etag, size })),
  );
  await jobs.seal(job.id);
  const { code, out } = await working;
  expect([code, JSON.parse(out)]).toMatchObject([0, { records: names.length }]);
  expect(proxy.struck().pass - before).toBe(names.length);
  expect(await follow(job.id)).toMatchObject({ status: "completed", counts: { records: names.length } });
});

it("gives no label for objects of another version", async () => {
  const direct = await api.submitJob(manifest("client"));
  for await (const { job } of api.followJob(direct.id, new AbortController().signal)) if (job.counts.planned) break;
  await store.put(`in/${names[0]}`, new Uint8Array(await readFile(join(pictures, names[1]!))));
  const { code } = await runWork(direct.id, remote.config.bucket);
  expect(code).toBe(0);
  expect(await follow(direct.id)).toMatchObject({
    status: "completed_with_errors",
    counts: { errors: { object_changed: 1 }, outcomes: { scored: names.length - 1 } },
  });
});
