import { base64ToUint8Array } from "uint8array-extras";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { packTar } from "modern-tar";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Api, createApi, type ManifestInput } from "../../src/client/api.ts";
import { createComputeApi } from "../../src/client/compute/compute-api.ts";
import { answerCanary } from "../../src/scoring/client-compute/canary.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { makeFaceTable, stripReport } from "../golden/face-table.ts";
import { encodeJpeg } from "../golden/jpeg-encoder.ts";
import { createScorerSource } from "../../cli/score/node-work.ts";
import { ADMIN, type Deployment, PLATFORM, startPlatform } from "./platform.ts";

/** Two thousand faces on the edge and on `countenance work`: the same labels; and a lease that outlives its server. */

const root = join(import.meta.dirname, "../..");
const FACES = 2000;
const variables = { LOCAL_TIMES: JSON.stringify({ leaseMs: 15_000, resendMs: 5000, sweepMs: 1000 }) };
let folder = "";
let worker: Deployment;
let api: Api;

async function start(): Promise<void> {
  worker = await startPlatform({ persistTo: folder, variables });
  api = createApi({ baseUrl: worker.origin, key: ADMIN });
}

const submit = (execution: "edge" | "client", chunkSize: number): Promise<JobView> => {
  const manifest: ManifestInput = {
    input: { store: "faces", objects: [{ key: "in/faces.csv" }] },
    format: "fer2013-csv",
    output: { store: "faces" },
    limits: { chunkSize },
    execution,
  };
  return api.submitJob(manifest);
};

async function follow(id: string): Promise<JobView> {
  let job = await api.readJob(id);
  for await (const event of api.followJob(id, new AbortController().signal)) job = event.job;
  return job;
}

const readText = async (id: string, name: string): Promise<string> =>
  (await api.request("GET", `/v1/jobs/${id}/outputs/${name}`)).text();

function runWork(id: string): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const env = { ...process.env, COUNTENANCE_URL: worker.origin, COUNTENANCE_KEY: ADMIN };
  const args = [join(root, "cli/countenance.ts"), "work", id, "--threads", "2", "--json"];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-client-work-"));
  await start();
  await api.upload("faces", "in/faces.csv", makeFaceTable(FACES));
});
afterAll(async () => {
  await worker?.stop();
  await rm(folder, { recursive: true, force: true });
});

it("scores 2,000 faces to the same labels and report on the edge and by `countenance work`", async () => {
  const edge = await submit("edge", 256);
  expect((await follow(edge.id)).status).toBe("completed");
  const client = await submit("client", 256);
  const { code, out, err } = await runWork(client.id);
  expect([code, JSON.parse(out)]).toEqual([0, { chunks: 8, records: FACES }]);
  expect(err).toContain("scoring with node");
  expect(await follow(client.id)).toMatchObject({ status: "completed", counts: { records: FACES } });
  expect(await readText(client.id, "labels.jsonl")).toBe(await readText(edge.id, "labels.jsonl"));
  expect(stripReport(await api.readReport(client.id), client.id)).toBe(
    stripReport(await api.readReport(edge.id), edge.id),
  );
  const lock = JSON.parse(await readText(client.id, "run.lock.json")) as unknown;
  expect(lock).toMatchObject({
    engines: ["client:node"],
    receipt: { chunks: { edge: 0, client: 8, expired: 0, rejected: 0 } },
  });
});

it("scores every open job with `work --any`, pictures of tar shards too, to the edge's labels", async () => {
  const members = Array.from({ length: 300 }, (_, number) => {
    const body = encodeJpeg({
      width: 48,
      height: 48,
      quality: 4,
      readPixel: (x, y, out) => void out.fill(120 + 90 * Math.sin((x * (1 + (number % 7)) + y) / 9 + number)),
    });
    return { header: { name: `${String(number).padStart(3, "0")}.jpg`, size: body.length }, body };
  });
  await api.upload("faces", "tar/0.tar", new Uint8Array(await packTar(members)));
  const packed = { input: { store: "faces", prefix: "tar/" }, format: "tar", output: { store: "faces" } } as const;
  const edge = await api.submitJob(packed);
  expect((await follow(edge.id)).status).toBe("completed");
  const client = { ...packed, execution: "client", limits: { chunkSize: 50 } } as const;
  const jobs = [await api.submitJob({ ...client, priority: 5 }), await api.submitJob(client)];
  for (const { id } of jobs) {
    for await (const { job } of api.followJob(id, new AbortController().signal)) if (job.counts.planned) break;
  }
  const { code, out, err } = await runWork("--any");
  // A server of one's own spreads a small job over its threads.
  const size = PLATFORM === "serve" ? Math.min(50, Math.ceil(300 / (4 * availableParallelism()))) : 50;
  const chunks = Math.ceil(300 / size);
  expect([code, JSON.parse(out)]).toEqual([0, { chunks: 2 * chunks, records: 600 }]);
  expect(err).not.toContain("given back");
  const [first, second] = [await follow(jobs[0]!.id), await follow(jobs[1]!.id)];
  // The newest would come first, were it not for the other's priority.
  expect(Date.parse(first.times["finalizing"]!)).toBeLessThan(Date.parse(second.times["running"]!));
  for (const { id } of jobs) {
    expect(await follow(id)).toMatchObject({ status: "completed", counts: { records: 300 } });
    expect(await readText(id, "labels.jsonl")).toBe(await readText(edge.id, "labels.jsonl"));
    const lock = JSON.parse(await readText(id, "run.lock.json")) as unknown;
    // One request for the bytes of a chunk of packed neighbors.
    expect(lock).toMatchObject({ receipt: { chunks: { edge: 0, client: chunks }, reads: chunks } });
  }
});

it("gives the edge a chunk whose client never came back, across a kill of the server", async () => {
  const job = await submit("client", 1000);
  const compute = createComputeApi(api);
  const { signal } = new AbortController();
  for await (const { job: seen } of api.followJob(job.id, signal)) if (seen.counts.planned) break;
  const canary = await compute.requestCanary(job.id, signal);
  const scorer = await createScorerSource("fused")({ model: canary.task.model, tta: "none", findsFaces: false });
  const answer = await answerCanary(
    scorer,
    base64ToUint8Array(canary.faces),
    canary.count,
    base64ToUint8Array(canary.picture),
  );
  const pass = { challenge: canary.challenge, backend: "node", ...answer } as const;
  const { token } = await compute.answerCanary(job.id, pass, signal);
  const lease = await compute.lease(job.id, token, signal);
  expect(lease.kind).toBe("lease");
  await worker.stop("SIGKILL");
  await start();
  // The pass is older than the server's process and still good; the held chunk is not offered twice.
  const { code, out } = await runWork(job.id);
  expect([code, JSON.parse(out)]).toEqual([0, { chunks: 1, records: FACES / 2 }]);
  expect(await follow(job.id)).toMatchObject({ status: "completed", counts: { records: FACES } });
  const lock = JSON.parse(await readText(job.id, "run.lock.json")) as unknown;
  expect(lock).toMatchObject({ receipt: { chunks: { edge: 1, client: 1, expired: 1, rejected: 0 } } });
});
