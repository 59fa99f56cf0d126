import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Api, createApi } from "../../src/client/api.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { parsePart } from "../../src/scoring/records/record-line.ts";
import { ADMIN, type Deployment, startPlatform } from "./platform.ts";

/** A power cut in the middle of a job: the local queue forgets its messages, the coordinator does not. */

const variables = { LOCAL_TIMES: JSON.stringify({ leaseMs: 15_000, resendMs: 5000, sweepMs: 1000 }) };
const pictures = join(import.meta.dirname, "../golden/images");
/** Enough for a job to outlast several events by far. */
const INPUTS = 600;
let folder: string;
let worker: Deployment | null = null;
const api = (): Api => createApi({ baseUrl: worker!.origin, key: ADMIN });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-restart-"));
});
afterAll(async () => {
  await worker?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Follows the job's events, whose pace is the server's: reading the job again and again would meet the key's rate limit. */
async function waitFor(id: string, ready: (job: JobView) => boolean): Promise<JobView> {
  for await (const { job } of api().followJob(id, new AbortController().signal)) if (ready(job)) return job;
  throw new Error("the events ended before the job was ready");
}

it("finishes a job that a kill interrupted, with nothing lost and nothing doubled", async () => {
  worker = await startPlatform({ persistTo: folder, variables });
  const names = (await readdir(pictures)).filter((name) => name.startsWith("q90-") || name.startsWith("rgb-"));
  for (const name of names)
    await api().upload("faces", `in/${name}`, new Uint8Array(await readFile(join(pictures, name))));
  const objects = Array.from({ length: INPUTS }, (_, at) => ({
    key: `in/${names[at % names.length]}`,
    id: String(at),
  }));
  const manifest = {
    faces: "aligned" as const,
    input: { store: "faces", objects },
    output: { store: "faces" },
    limits: { chunkSize: 2, maxConcurrency: 4 },
  };
  const { id } = await api().submitJob(manifest);
  const before = await waitFor(id, (job) => job.chunks.done >= 2);
  await worker.stop("SIGKILL");
  expect(before.status).toBe("running");

  worker = await startPlatform({ persistTo: folder, variables });
  // Reading does not wake lost work: only the coordinator's own alarm finds it.
  const after = await waitFor(id, (job) => job.status.startsWith("completed") || job.status === "failed");
  expect(after.counts).toMatchObject({ listed: INPUTS, finished: INPUTS, records: INPUTS });
  const labels = new Uint8Array(await (await api().request("GET", `/v1/jobs/${id}/labels`)).arrayBuffer());
  expect(parsePart(labels).map((record) => record.id)).toEqual(objects.map(({ id }) => id));
});
