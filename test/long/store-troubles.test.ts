import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import { type Api, createApi } from "../../src/client/api.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { parsePart } from "../../src/scoring/records/record-line.ts";
import { createS3Store, type S3StoreConfig } from "../../src/storage/s3/s3-store.ts";
import { type FaultyProxy, startFaultyProxy, type Trouble } from "./faulty-proxy.ts";

/**
 * A job whose faces and outputs lie in an S3 server that is stopped, killed, throttling, hung, deaf to its own answers and cut off in turn, with
 * the times that are shipped. The server is the local R2 of a second workerd over the S3 protocol, behind a proxy.
 */

const pictures = join(import.meta.dirname, "../golden/images");
const INPUTS = 105;
/** What stops a job lasts until the job says that it waits, and what only slows it down so many seconds. `TROUBLES="hang mute"` meets these two alone. */
const ALL_TROUBLES: readonly { readonly trouble: Trouble | "kill"; readonly seconds: number | null }[] = [
  { trouble: "refuse", seconds: null },
  { trouble: "kill", seconds: null },
  { trouble: "throttle", seconds: 15 },
  { trouble: "hang", seconds: null },
  { trouble: "mute", seconds: null },
  { trouble: "cut", seconds: 10 },
];
const NAMES = process.env["TROUBLES"]?.split(" ");
const TROUBLES = ALL_TROUBLES.filter(({ trouble }) => NAMES?.includes(trouble) ?? true);
/** Where nothing answers, a consumer gives up after three calls of ten seconds; a busy machine takes longer. */
const MAX_NOTICE_MS = 60_000;
const credentials = { accessKeyId: "local", secretAccessKey: "local-secret" };

let folder = "";
let server: LocalWorker;
let proxy: FaultyProxy;
let worker: LocalWorker;
let api: Api;
let keys: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-troubles-"));
  server = await startLocalWorker({ persistTo: join(folder, "server"), timeoutMs: 600_000 });
  proxy = await startFaultyProxy(server.origin);
  const { pathname } = new URL(server.s3Endpoint);
  const place = { endpoint: `http://127.0.0.1:${proxy.port}${pathname}`, region: "auto", bucket: "faces" };
  const config: S3StoreConfig = { ...place, forcePathStyle: true, versions: false, credentials };
  const store = createS3Store(config);
  const names = (await readdir(pictures)).filter((name) => name.startsWith("q90-") || name.startsWith("rgb-"));
  for (const name of names) await store.put(`in/${name}`, new Uint8Array(await readFile(join(pictures, name))));
  keys = names.map((name) => `in/${name}`);
  worker = await startLocalWorker({
    persistTo: join(folder, "worker"),
    timeoutMs: 600_000,
    variables: {
      STORES: JSON.stringify({
        faces: { kind: "r2", binding: "FACES" },
        far: { kind: "s3", ...place, forcePathStyle: true },
      }),
      STORE_FAR_ACCESS_KEY_ID: credentials.accessKeyId,
      STORE_FAR_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    },
  });
  api = createApi({ baseUrl: worker.origin, key: "local-development-key" });
  await api.upload("faces", "in/face.jpg", new Uint8Array(await readFile(join(pictures, names[0]!))));
}, 900_000);
afterAll(async () => {
  await worker?.stop();
  await proxy?.close();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function submit(): Promise<JobView> {
  const objects = Array.from({ length: INPUTS }, (_, at) => ({ key: keys[at % keys.length]!, id: String(at) }));
  return api.submitJob({
    faces: "aligned",
    input: { store: "far", objects },
    output: { store: "far", prefix: "out/" },
    limits: { chunkSize: 3, maxConcurrency: 4 },
  });
}

async function follow(id: string, until: (job: JobView) => boolean): Promise<JobView> {
  let last = await api.readJob(id);
  for await (const { job } of api.followJob(id, new AbortController().signal)) {
    last = job;
    if (until(job)) break;
  }
  return last;
}

const readLabels = async (id: string): Promise<string> => (await api.request("GET", `/v1/jobs/${id}/labels`)).text();

const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

/** Ms until the job said that it waits for the store, `null` if it never did; and until a job of another store was done, where one was made. */
interface Met {
  readonly noticedMs: number | null;
  readonly elsewhereMs?: number;
}

/** Puts the server through one trouble. */
async function meet(id: string, { trouble, seconds }: (typeof TROUBLES)[number]): Promise<Met> {
  const startMs = Date.now();
  const endMs = startMs + (seconds === null ? MAX_NOTICE_MS : seconds * 1000);
  if (trouble === "kill") await server.stop("SIGKILL");
  else await proxy.set(trouble);
  const elsewhere = trouble === "hang" ? scoreElsewhere() : null;
  let noticedMs: number | null = null;
  const isOver = (): boolean => Date.now() >= endMs || (seconds === null && noticedMs !== null);
  while (!isOver()) {
    await sleep(500);
    if (noticedMs === null && (await api.readJob(id)).waiting?.store === "far") noticedMs = Date.now() - startMs;
  }
  const elsewhereMs = await elsewhere;
  if (trouble === "kill") {
    server = await startLocalWorker({ persistTo: join(folder, "server"), timeoutMs: 600_000 });
    proxy.aim(server.origin);
  }
  await proxy.set("pass");
  return { noticedMs, ...(elsewhereMs === null ? {} : { elsewhereMs }) };
}

/** A job of another store, which goes on whatever this one does. @returns how long it took, ms */
async function scoreElsewhere(): Promise<number> {
  const startMs = Date.now();
  const { id } = await api.submitJob({
    input: { store: "faces", objects: [{ key: "in/face.jpg" }] },
    output: { store: "faces" },
  });
  expect(await follow(id, () => false)).toMatchObject({ status: "completed", counts: { records: 1 } });
  return Date.now() - startMs;
}

it("costs a job time and nothing else: its labels are those of a calm run, byte for byte", async () => {
  const calm = await follow((await submit()).id, () => false);
  expect(calm).toMatchObject({ status: "completed", counts: { records: INPUTS } });

  const { id } = await submit();
  const noticed: string[] = [];
  for (const [at, one] of TROUBLES.entries()) {
    // Each meets a job at work, spread over all of it.
    const enough = Math.floor((INPUTS * (at + 0.5)) / (TROUBLES.length + 1));
    const before = await follow(id, ({ counts }) => counts.finished >= enough);
    expect(before).toMatchObject({ status: "running", failure: null });
    const met = await meet(id, one);
    const backMs = Date.now();
    const there = (await api.readJob(id)).counts.finished;
    await follow(id, ({ counts, status }) => counts.finished > there || status !== "running");
    const figures = { finishedBefore: before.counts.finished, ...met, movedAfterMs: Date.now() - backMs };
    process.stdout.write(`${one.trouble}: ${JSON.stringify(figures)}\n`);
    if (met.noticedMs !== null) noticed.push(one.trouble);
  }
  // What only slows a store down may be over before the job has to wait.
  const stops = TROUBLES.filter(({ seconds }) => seconds === null).map(({ trouble }) => trouble);
  expect(noticed).toEqual(expect.arrayContaining(stops));
  const end = await follow(id, () => false);
  process.stdout.write(`${JSON.stringify({ struck: proxy.struck() })}\n`);
  expect(end).toMatchObject({
    status: "completed",
    failure: null,
    counts: { listed: INPUTS, finished: INPUTS, records: INPUTS, outcomes: { scored: INPUTS, failed: 0 } },
  });
  const labels = await readLabels(id);
  expect(parsePart(new TextEncoder().encode(labels)).map((record) => record.id)).toEqual(
    Array.from({ length: INPUTS }, (_, at) => String(at)),
  );
  expect(labels).toBe(await readLabels(calm.id));
  expect(await (await api.request("GET", `/v1/jobs/${id}/verify?sample=50`)).json()).toMatchObject({ passed: true });
});
