/**
 * How long others wait in local workerd: the first record of a job of 50 faces while one of 40,000 runs, and `GET /v1/jobs/{id}` while
 * photographs are scored, a list of garbage is planned and a job is finalized. Prints JSON. `npm run measure:turns`, or with fewer faces
 * `node scripts/measure-turns.ts --inputs 4000 --seconds 20`.
 */

import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Api, createApi } from "../src/client/api.ts";
import type { JobView } from "../src/scoring/job/job-view.ts";
import { startLocalWorker } from "./local-worker.ts";

const { values } = parseArgs({
  options: { inputs: { type: "string", default: "40000" }, seconds: { type: "string", default: "60" } },
});
const inputs = Number(values.inputs);
const seconds = Number(values.seconds);
const root = join(import.meta.dirname, "..");
const folder = await mkdtemp(join(tmpdir(), "countenance-turns-"));
const worker = await startLocalWorker({ persistTo: folder, timeoutMs: 600_000 });
const api = createApi({ baseUrl: worker.origin, key: "local-development-key" });
try {
  await uploadAll();
  const output = { store: "faces" };
  const large = await api.submitJob({ input: { store: "faces", manifest: { key: "lists/large.jsonl" } }, output });
  await waitFor(large.id, ({ counts }) => counts.finished > 0);
  const small = await timeSmallJob();
  const photographs = await api.submitJob({
    faces: "largest",
    input: { store: "faces", prefix: "photographs/" },
    output: { store: "faces", prefix: "out/" },
  });
  await api.submitJob({ input: { store: "faces", manifest: { key: "lists/bad.jsonl" } }, output });
  // What is done of it is finalized.
  await api.commandJob(large.id, "cancel");
  const figures = {
    command: `node scripts/measure-turns.ts --inputs ${inputs} --seconds ${seconds}`,
    commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).trim(),
    machine: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}, load ${loadavg()[0]?.toFixed(1)}`,
    firstRecordMs: small,
    readJob: await timeReads(photographs.id),
  };
  process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
} finally {
  await worker.stop();
  await rm(folder, { recursive: true, force: true });
}

async function uploadAll(): Promise<void> {
  const face = new Uint8Array(await readFile(join(root, "test/golden/images/q90-48x48.jpg")));
  await api.upload("faces", "in/face.jpg", face);
  const lines = Array.from({ length: inputs }, (_, at) => JSON.stringify({ key: "in/face.jpg", id: String(at) }));
  await api.upload("faces", "lists/large.jsonl", new TextEncoder().encode(lines.join("\n")));
  // 4 MB of lines that are no JSON.
  await api.upload("faces", "lists/bad.jsonl", new TextEncoder().encode('{"key": no\n'.repeat(380_000)));
  const photographs = join(root, "node_modules/tabler-ui/dist/demo/photos");
  for (const name of (await readdir(photographs)).filter((one) => one.endsWith(".jpg")))
    await api.upload("faces", `photographs/${name}`, new Uint8Array(await readFile(join(photographs, name))));
}

async function waitFor(id: string, ready: (job: JobView) => boolean): Promise<void> {
  for await (const { job } of api.followJob(id, new AbortController().signal)) if (ready(job)) return;
}

/** Ms from submitting 50 faces to the first report of a record, and to the end. */
async function timeSmallJob(): Promise<{ readonly first: number; readonly all: number }> {
  const objects = Array.from({ length: 50 }, (_, at) => ({ key: "in/face.jpg", id: String(at) }));
  const startMs = performance.now();
  const { id } = await api.submitJob({ input: { store: "faces", objects }, output: { store: "faces" } });
  let first = 0;
  await waitFor(id, ({ counts, status }) => {
    if (first === 0 && counts.finished > 0) first = Math.round(performance.now() - startMs);
    return status.startsWith("completed");
  });
  return { first, all: Math.round(performance.now() - startMs) };
}

/** Ms of requests one after the other, ten a second. */
async function timeReads(id: string): Promise<Record<"requests" | "p50Ms" | "p99Ms" | "maxMs", number>> {
  const times: number[] = [];
  const endMs = performance.now() + seconds * 1000;
  while (performance.now() < endMs) {
    times.push(await timeRead(api, id));
    await new Promise((resolve) => void setTimeout(resolve, 100));
  }
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { requests: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

async function timeRead(client: Pick<Api, "readJob">, id: string): Promise<number> {
  const startMs = performance.now();
  await client.readJob(id);
  return performance.now() - startMs;
}
