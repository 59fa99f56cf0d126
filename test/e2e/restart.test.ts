import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import type { JobView } from "../../src/scoring/job-view.ts";
import { parsePart } from "../../src/scoring/part.ts";
import { parseStored } from "../../src/scoring/stored-json.ts";

/** A power cut in the middle of a job: the local queue forgets its messages, the coordinator does not. */

const headers = { authorization: "Bearer local-development-key" };
const variables = { LOCAL_TIMES: JSON.stringify({ leaseMs: 15_000, resendMs: 5000, sweepMs: 1000 }) };
const pictures = join(import.meta.dirname, "../golden/images");
const COPIES = 40;
let folder: string;
let worker: LocalWorker | null = null;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-restart-"));
});
afterAll(async () => {
  await worker?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function call(
  path: string,
  init: { method?: string; body?: Uint8Array<ArrayBuffer> | string } = {},
): Promise<Response> {
  const response = await fetch(`${worker!.origin}${path}`, { ...init, headers });
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  return response;
}

const readJob = async (id: string): Promise<JobView> =>
  parseStored<JobView>(await (await call(`/v1/jobs/${id}`)).text());

/** Reads the job again and again: each request is the waiting. */
async function waitFor(id: string, ready: (job: JobView) => boolean): Promise<JobView> {
  for (;;) {
    const job = await readJob(id);
    if (ready(job)) return job;
  }
}

it("finishes a job that a kill interrupted, with nothing lost and nothing doubled", async () => {
  worker = await startLocalWorker({ persistTo: folder, variables });
  const names = (await readdir(pictures)).filter((name) => name.startsWith("q90-") || name.startsWith("rgb-"));
  const keys: string[] = [];
  for (let copy = 0; copy < COPIES; copy++) {
    const name = names[copy % names.length]!;
    const key = `in/${String(copy).padStart(3, "0")}-${name}`;
    const body = new Uint8Array(await readFile(join(pictures, name)));
    await call(`/v1/stores/faces/objects/${key}`, { method: "PUT", body });
    keys.push(key);
  }
  const manifest = {
    input: { store: "faces", prefix: "in/" },
    output: { store: "faces" },
    limits: { chunkSize: 2, maxConcurrency: 4 },
  };
  const created = await call("/v1/jobs", { method: "POST", body: JSON.stringify(manifest) });
  const { id } = parseStored<JobView>(await created.text());
  const before = await waitFor(id, (job) => job.chunks.done >= 2);
  await worker.stop("SIGKILL");
  expect(before.status).toBe("running");

  worker = await startLocalWorker({ persistTo: folder, variables });
  // Reading does not wake lost work: only the coordinator's own alarm finds it.
  const after = await waitFor(id, (job) => job.status.startsWith("completed") || job.status === "failed");
  expect(after.counts).toMatchObject({ listed: COPIES, finished: COPIES, records: COPIES });
  const labels = new Uint8Array(await (await call(`/v1/jobs/${id}/labels`)).arrayBuffer());
  expect(parsePart(labels).map((record) => record.key)).toEqual(keys);
});
