import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { listWorkerdProcesses } from "../../bench/process-clock.ts";
import { readResidentBytes } from "../../bench/process-memory.ts";
import { findFreePort, type HeapReader, openHeapReader } from "../../bench/worker-heap.ts";
import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import { type Api, createApi } from "../../src/client/api.ts";

/**
 * Jobs without end: two at a time, each submitted, followed, read and deleted, as long as `SOAK_MINUTES` says. Prints the figures of
 * docs/operations.md.
 */

const MINUTES = Number(process.env["SOAK_MINUTES"] ?? 60);
/** What engines, codecs and pages of memory need to have been used once. */
const WARM_UP_SHARE = 0.25;
const JOBS_AT_ONCE = 2;
const INPUTS = 100;
const MAX_GROWTH = 0.05;

let folder = "";
let heap: HeapReader;
let worker: LocalWorker;
let api: Api;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-soak-"));
  const inspectorPort = await findFreePort();
  worker = await startLocalWorker({ persistTo: folder, timeoutMs: 600_000, inspectorPort });
  heap = await openHeapReader(inspectorPort, worker.origin);
  api = createApi({ baseUrl: worker.origin, key: "local-development-key" });
  const images = join(import.meta.dirname, "../golden/images");
  for (const name of ["q90-47x49.jpg", "rgb-128x128.png", "lossy.webp"])
    await api.upload("faces", `in/${name}`, new Uint8Array(await readFile(join(images, name))));
}, 900_000);
afterAll(async () => {
  heap?.close();
  await worker?.stop();
  await rm(folder, { recursive: true, force: true });
});

const keys = ["in/q90-47x49.jpg", "in/rgb-128x128.png", "in/lossy.webp"];

/** One job from its submission until nothing is left of it. @returns ms until it had ended */
async function runJob(): Promise<number> {
  const objects = Array.from({ length: INPUTS }, (_, at) => ({ key: keys[at % keys.length]!, id: String(at) }));
  const start = Date.now();
  const job = await api.submitJob({
    input: { store: "faces", objects },
    output: { store: "faces", formats: ["jsonl", "csv", "parquet"] },
    limits: { chunkSize: 25 },
  });
  let ended = job;
  for await (const event of api.followJob(job.id, new AbortController().signal)) ended = event.job;
  const ms = Date.now() - start;
  expect(ended).toMatchObject({ status: "completed", counts: { finished: INPUTS, records: INPUTS } });
  await api.readReport(job.id);
  await api.request("DELETE", `/v1/jobs/${job.id}`);
  return ms;
}

const middle = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]!;

it(
  `runs jobs for ${MINUTES} minutes without an error, in memory that does not grow`,
  async () => {
    const workerd = listWorkerdProcesses();
    const start = Date.now();
    const lengthMs = MINUTES * 60_000;
    const samples: { readonly ms: number; readonly heap: number; readonly resident: number }[] = [];
    const durations: number[] = [];
    while (Date.now() - start < lengthMs) {
      durations.push(...(await Promise.all(Array.from({ length: JOBS_AT_ONCE }, runJob))));
      // Jobs under way hold memory; between them it shows what stays.
      samples.push({ ms: Date.now() - start, heap: await heap.read(), resident: readResidentBytes(workerd) });
    }
    const levelAt = (share: number, what: "heap" | "resident"): number =>
      middle(
        samples
          .filter(({ ms }) => ms >= share * lengthMs && ms < (share + 0.1) * lengthMs)
          .map((sample) => sample[what]),
        0.5,
      );
    const [warm, end] = [levelAt(WARM_UP_SHARE, "heap"), levelAt(0.9, "heap")];
    const tenths = Array.from({ length: 10 }, (_, tenth) => tenth / 10);
    const figures = {
      command: `SOAK_MINUTES=${MINUTES} npm run test:long -- test/long/soak.test.ts`,
      commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim(),
      machine: `${cpus().length} × ${cpus()[0]!.model}, load ${loadavg()[0]!.toFixed(1)}`,
      jobs: durations.length,
      inputs: durations.length * INPUTS,
      jobSeconds: { p50: middle(durations, 0.5) / 1000, p99: middle(durations, 0.99) / 1000 },
      heapMiB: tenths.map((share) => Number((levelAt(share, "heap") / 2 ** 20).toFixed(1))),
      residentMiB: tenths.map((share) => Math.round(levelAt(share, "resident") / 2 ** 20)),
      growth: end / warm - 1,
    };
    process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
    expect(durations.length).toBeGreaterThan(MINUTES);
    expect(figures.growth).toBeLessThan(MAX_GROWTH);
    // The last jobs end after the last minute.
  },
  (MINUTES + 15) * 60_000,
);
