import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Api, createApi } from "../../src/client/api.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { parsePart } from "../../src/scoring/records/record-line.ts";
import { ADMIN, type Deployment, PLATFORM, startPlatform } from "./platform.ts";

/**
 * A power cut in the middle of a job: the local queue forgets its messages, the coordinator does not. With the times that are
 * shipped: whoever waits for the job sees it move again within half a minute.
 */

const pictures = join(import.meta.dirname, "../golden/images");
/** Enough for a job to outlast several events by far: a server of one's own scores on all cores. */
const INPUTS = PLATFORM === "serve" ? 1_600 : 240;
/** A lease and two sweeps, and what a busy machine takes beside them. */
const MAX_SILENT_MS = 35_000;
let folder: string;
let worker: Deployment | null = null;
const api = (): Api => createApi({ baseUrl: worker!.origin, key: ADMIN });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-restart-"));
  worker = await startPlatform({ persistTo: folder });
});
afterEach(async () => {
  await worker?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Follows the job's events, whose pace is the server's: reading the job again and again would meet the key's rate limit. */
async function waitFor(id: string, ready: (job: JobView) => boolean): Promise<JobView> {
  for await (const { job } of api().followJob(id, new AbortController().signal)) if (ready(job)) return job;
  throw new Error("the events ended before the job was ready");
}

async function submit(): Promise<{ readonly id: string; readonly ids: readonly string[] }> {
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
  return { id, ids: objects.map((object) => object.id) };
}

/** Kills everything after two chunks, starts it again, and follows the job until it moves; ms from the start to that. */
async function survive(id: string, meanwhile: () => Promise<void>): Promise<number> {
  const before = await waitFor(id, (job) => job.chunks.done >= 2);
  await worker!.stop("SIGKILL");
  expect(before.status).toBe("running");
  await meanwhile();
  worker = await startPlatform({ persistTo: folder });
  const startedMs = Date.now();
  // What was finished between the last event and the kill is no move.
  const there = await api().readJob(id);
  await waitFor(id, (job) => job.counts.finished > there.counts.finished);
  return Date.now() - startedMs;
}

async function checkEnd(id: string, ids: readonly string[]): Promise<void> {
  const after = await waitFor(id, (job) => job.status.startsWith("completed") || job.status === "failed");
  expect(after.counts).toMatchObject({ listed: INPUTS, finished: INPUTS, records: INPUTS });
  const labels = new Uint8Array(await (await api().request("GET", `/v1/jobs/${id}/labels`)).arrayBuffer());
  expect(parsePart(labels).map((record) => record.id)).toEqual(ids);
}

it("finishes a job that a kill interrupted, with nothing lost and nothing doubled", async () => {
  const { id, ids } = await submit();
  const silentMs = await survive(id, async () => {});
  process.stdout.write(`moved again after ${silentMs} ms\n`);
  expect(silentMs).toBeLessThan(MAX_SILENT_MS);
  await checkEnd(id, ids);
});

it.skipIf(PLATFORM === "serve")(
  "finishes a job whose alarm was lost with it, once somebody looks (workerd alone: a server of one's own reads its alarms from its rows)",
  async () => {
    const { id, ids } = await submit();
    await survive(id, async () => {
      // The scheduler's own row: the object still believes that it will be called.
      const objects = join(folder, "v3/do");
      for (const name of await readdir(objects)) {
        if (!name.includes("JobCoordinatorObject")) continue;
        const database = new DatabaseSync(join(objects, name, "metadata.sqlite"));
        expect(database.prepare("DELETE FROM _cf_ALARM").run().changes).toBeGreaterThan(0);
        database.close();
      }
    });
    await checkEnd(id, ids);
    expect(worker!.output()).toContain("alarm_lost");
  },
);
