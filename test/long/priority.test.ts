import { readFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import { type Api, createApi } from "../../src/client/api.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";

/** Two jobs over one queue in local workerd: the later one of the higher priority ends first. */

const INPUTS = 600;
let folder = "";
let worker: LocalWorker;
let api: Api;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-priority-"));
  const variables = { LOCAL_TIMES: JSON.stringify({ sweepMs: 500 }) };
  worker = await startLocalWorker({ persistTo: folder, variables, timeoutMs: 600_000 });
  api = createApi({ baseUrl: worker.origin, key: "local-development-key" });
  const picture = new Uint8Array(await readFile(join(import.meta.dirname, "../golden/images/q90-47x49.jpg")));
  await api.upload("faces", "in/face.jpg", picture);
}, 900_000);
afterAll(async () => {
  await worker?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function submit(priority: number, inputs: number): Promise<JobView> {
  const objects = Array.from({ length: inputs }, (_, at) => ({ key: "in/face.jpg", id: String(at) }));
  const limits = { chunkSize: 1, maxConcurrency: 20 };
  return api.submitJob({ priority, input: { store: "faces", objects }, output: { store: "faces" }, limits });
}

async function follow(id: string, until: (job: JobView) => boolean): Promise<JobView> {
  const stop = new AbortController();
  let job = await api.readJob(id);
  for await (const event of api.followJob(id, stop.signal)) {
    job = event.job;
    if (until(job)) break;
  }
  return job;
}

it("lets the job of the higher priority go first, and the other go on when it has ended", async () => {
  const low = await submit(0, INPUTS);
  await follow(low.id, ({ counts }) => counts.finished > 0);
  const high = await submit(10, INPUTS / 5);
  const first = await follow(high.id, () => false);
  const meanwhile = await api.readJob(low.id);
  const second = await follow(low.id, () => false);
  expect([first, second]).toMatchObject([
    { status: "completed", priority: 10, counts: { records: INPUTS / 5 } },
    { status: "completed", priority: 0, counts: { records: INPUTS } },
  ]);
  expect(Date.parse(first.times["finalizing"]!)).toBeLessThan(Date.parse(second.times["finalizing"]!));
  process.stdout.write(`finished of the other meanwhile: ${meanwhile.counts.finished} of ${INPUTS}\n`);
  expect(meanwhile.counts.finished).toBeLessThan(INPUTS);
});
