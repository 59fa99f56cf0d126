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
/** Where only messages were lost: `resendMs` and a sweep. Where a chunk was leased: a lease and two sweeps. And what a busy machine takes beside them. */
const MAX_SILENT_MS = { messages: 20_000, leased: 35_000 } as const;
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

interface Recovery {
  /** Chunks that somebody held when everything was killed. */
  readonly leased: number;
  /** From the restart until the job moved, ms. */
  readonly silentMs: number;
}

/** Kills everything after two more chunks, starts it again, and follows the job until it moves. */
async function survive(id: string, meanwhile: () => Promise<void>): Promise<Recovery> {
  const { chunks } = await api().readJob(id);
  const before = await waitFor(id, (job) => job.chunks.done >= chunks.done + 2);
  await worker!.stop("SIGKILL");
  expect(before.status).toBe("running");
  await meanwhile();
  worker = await startPlatform({ persistTo: folder });
  const startedMs = Date.now();
  // What was finished between the last event and the kill is no move.
  const there = await api().readJob(id);
  await waitFor(id, (job) => job.counts.finished > there.counts.finished);
  return { leased: there.chunks.leased, silentMs: Date.now() - startedMs };
}

async function checkEnd(id: string, ids: readonly string[]): Promise<void> {
  const after = await waitFor(id, (job) => job.status.startsWith("completed") || job.status === "failed");
  expect(after.counts).toMatchObject({ listed: INPUTS, finished: INPUTS, records: INPUTS });
  const labels = new Uint8Array(await (await api().request("GET", `/v1/jobs/${id}/labels`)).arrayBuffer());
  expect(parsePart(labels).map((record) => record.id)).toEqual(ids);
}

/** Three starts of workerd on a busy machine. */
const TIMEOUT_MS = 400_000;

it(
  "finishes a job that a kill interrupted, and soon, with nothing lost and nothing doubled",
  { timeout: TIMEOUT_MS },
  async () => {
    const { id, ids } = await submit();
    const { leased, silentMs } = await survive(id, async () => {});
    process.stdout.write(`moved again after ${silentMs} ms, ${leased} chunks leased\n`);
    expect(silentMs).toBeLessThan(leased > 0 ? MAX_SILENT_MS.leased : MAX_SILENT_MS.messages);
    if (PLATFORM === "workerd") await surviveWithoutAlarm(id);
    await checkEnd(id, ids);
  },
);

/** A lost alarm is noticed once somebody looks. In workerd alone: a server of one's own reads its alarms from its rows. */
async function surviveWithoutAlarm(id: string): Promise<void> {
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
  expect(worker!.output()).toContain("alarm_lost");
}
