import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import { type Api, createApi } from "../../src/client/api.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { parsePart } from "../../src/scoring/records/record-line.ts";
import { createRandom } from "../fault/fault-store.ts";

/**
 * Kills of workerd, one after the other, at any moment of a job from its first planning step to its last output, with the times that are
 * shipped: nothing is lost, nothing doubled. Prints how long each job stood still, for docs/operations.md.
 */

const KILLS = Number(process.env["KILLS"] ?? 20);
const SEED = Number(process.env["KILLS_SEED"] ?? 17);
/** Kills that one job meets before it may end. */
const KILLS_PER_JOB = 5;
const INPUTS = 1200;
const pictures = join(import.meta.dirname, "../golden/images");
/** A lease and two sweeps, and what a busy machine takes beside them. */
const MAX_SILENT_MS = 35_000;

let folder = "";
let worker: LocalWorker;
const api = (): Api => createApi({ baseUrl: worker.origin, key: "local-development-key" });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-kills-"));
  worker = await startLocalWorker({ persistTo: folder, timeoutMs: 600_000 });
}, 900_000);
afterEach(async () => {
  await worker?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function follow(id: string, until: (job: JobView) => boolean): Promise<JobView> {
  let last = await api().readJob(id);
  if (until(last)) return last;
  for await (const { job } of api().followJob(id, new AbortController().signal)) {
    last = job;
    if (until(job)) break;
  }
  return last;
}

const hasEnded = ({ status }: JobView): boolean => status.startsWith("completed") || status === "failed";
/** Everything that only ever grows: a job that moves has more of it. */
const progress = ({ counts, times, chunks }: JobView): number =>
  counts.listed + counts.finished + chunks.done + Object.keys(times).length;

async function submit(keys: readonly string[]): Promise<JobView> {
  const objects = Array.from({ length: INPUTS }, (_, at) => ({ key: keys[at % keys.length]!, id: String(at) }));
  const input = { store: "faces", objects };
  return api().submitJob({
    faces: "aligned",
    input,
    output: { store: "faces", formats: ["jsonl", "csv", "parquet"] },
    limits: { chunkSize: 4, maxConcurrency: 8 },
  });
}

interface Recovery {
  readonly status: string;
  readonly leased: number;
  /** From the kill until the server answered again, and from then on until the job moved. */
  readonly downMs: number;
  readonly silentMs: number;
}

/** Kills everything now, starts it again and waits until the job moves. */
async function survive(id: string): Promise<Recovery> {
  const killedMs = Date.now();
  await worker.stop("SIGKILL");
  worker = await startLocalWorker({ persistTo: folder, timeoutMs: 600_000 });
  const startedMs = Date.now();
  const there = await api().readJob(id);
  await follow(id, (job) => hasEnded(job) || progress(job) > progress(there));
  const downMs = startedMs - killedMs;
  return { status: there.status, leased: there.chunks.leased, downMs, silentMs: Date.now() - startedMs };
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

it(`survives ${KILLS} kills with nothing lost and nothing doubled`, async () => {
  const random = createRandom(SEED);
  const names = (await readdir(pictures)).filter((name) => name.startsWith("q90-") || name.startsWith("rgb-"));
  for (const name of names)
    await api().upload("faces", `in/${name}`, new Uint8Array(await readFile(join(pictures, name))));
  const keys = names.map((name) => `in/${name}`);
  const calm = await follow((await submit(keys)).id, hasEnded);
  const expected = await (await api().request("GET", `/v1/jobs/${calm.id}/labels`)).text();
  expect(parsePart(new TextEncoder().encode(expected))).toHaveLength(INPUTS);

  const recoveries: Recovery[] = [];
  while (recoveries.length < KILLS) {
    const { id } = await submit(keys);
    let job = await api().readJob(id);
    for (let kill = 0; kill < KILLS_PER_JOB && recoveries.length < KILLS && !hasEnded(job); kill++) {
      // The first meets planning, the last finalizing; those between, scoring.
      if (kill === KILLS_PER_JOB - 1) job = await follow(id, (one) => one.status === "finalizing" || hasEnded(one));
      else await sleep(random() * (kill === 0 ? 500 : 3000));
      recoveries.push(await survive(id));
      job = await api().readJob(id);
      process.stdout.write(`kill ${recoveries.length}: ${JSON.stringify(recoveries.at(-1))}\n`);
    }
    const end = await follow(id, hasEnded);
    expect(end).toMatchObject({
      status: "completed",
      counts: { listed: INPUTS, finished: INPUTS, records: INPUTS, outcomes: { scored: INPUTS } },
    });
    expect(await (await api().request("GET", `/v1/jobs/${id}/labels`)).text()).toBe(expected);
  }
  const slowest = (some: readonly Recovery[]): number => Math.max(0, ...some.map(({ silentMs }) => silentMs));
  const [withLease, withoutLease] = [recoveries.filter((r) => r.leased > 0), recoveries.filter((r) => r.leased === 0)];
  const figures = {
    command: `KILLS=${KILLS} KILLS_SEED=${SEED} npm run test:long -- test/long/kills.test.ts`,
    commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim(),
    machine: `${cpus().length} × ${cpus()[0]!.model}, load ${loadavg()[0]!.toFixed(1)}`,
    chunkLeased: { kills: withLease.length, slowestMs: slowest(withLease) },
    noChunkLeased: { kills: withoutLease.length, slowestMs: slowest(withoutLease) },
  };
  process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
  expect(slowest(recoveries)).toBeLessThan(MAX_SILENT_MS);
});
